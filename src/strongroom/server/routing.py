"""From a request line to who asks what: `RequestInfo`, by splitting the path, without patterns.

Rules: Kubernetes API concepts, "Resource URIs", and `apiserver/pkg/endpoints/request/requestinfo.go`. The
path alone decides; whether such a resource is served is found out later, after authorization.
"""

from strongroom.machinery import selectors
from strongroom.machinery.request_info import RequestInfo
from strongroom.server.request import Request

_OBJECT_VERBS = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
_COLLECTION_VERBS = {
    "GET": "list",
    "POST": "create",
    "DELETE": "deletecollection",
    "PUT": "update",
    "PATCH": "patch",
}
_NAMESPACE_SUBRESOURCES = frozenset(("status", "finalize"))


def truthy(request: Request, name: str) -> bool:
    """A boolean parameter as Kubernetes reads it: whatever is there and neither `0` nor `false` is true."""
    values = request.query.get(name) if request.query_string else None
    return bool(values) and values is not None and values[0] != "0" and values[0].lower() != "false"


_creations: dict[str, RequestInfo] = {}
"""By path: they come by the same few again and again."""
_REMEMBERED = 1024


def route(request: Request) -> RequestInfo:
    """Who asks what."""
    if request.method != "POST":
        return _route(request)
    info = _creations.get(request.path)
    if info is None:
        info = _route(request)
        if info.verb == "create" and not info.name:
            if len(_creations) >= _REMEMBERED:
                _creations.clear()
            _creations[request.path] = info
    return info


def _route(request: Request) -> RequestInfo:
    path = request.path
    parts = path.split("/")
    if parts[-1] == "":
        parts.pop()
    # parts: "", "api", version, ...; or "", "apis", group, version, ...
    count = len(parts)
    if count >= 4 and parts[1] == "api":
        return _resource(request, path, "", parts[2], parts, 3)
    if count >= 5 and parts[1] == "apis":
        # No group is not the core group: its resources have one path alone.
        version = parts[3] if parts[2] else ""
        return _resource(request, path, parts[2], version, parts, 4)
    return RequestInfo(False, request.method.lower(), path)


def _resource(
    request: Request, path: str, group: str, version: str, parts: list[str], at: int
) -> RequestInfo:
    watching = parts[at] == "watch" and len(parts) > at + 1
    if watching:
        at += 1
    namespace = ""
    if parts[at] == "namespaces" and len(parts) > at + 1:
        namespace = parts[at + 1]
        if len(parts) > at + 2 and parts[at + 2] not in _NAMESPACE_SUBRESOURCES:
            at += 2
    resource = parts[at]
    name = parts[at + 1] if len(parts) > at + 1 else ""
    subresource = "/".join(parts[at + 2 :]) if len(parts) > at + 2 else ""
    verb = (_OBJECT_VERBS if name else _COLLECTION_VERBS).get(request.method, "")
    field_selector = label_selector = ""
    if verb == "get" and not watching and not request.query_string:
        return RequestInfo(True, verb, path, group, version, namespace, resource, subresource, name)
    if verb in ("get", "list") and not subresource and (watching or truthy(request, "watch")):
        verb = "watch"
    if verb in ("list", "watch", "deletecollection"):
        field_selector, label_selector = (
            request.parameter("fieldSelector"),
            request.parameter("labelSelector"),
        )
        name = name or _selected_name(field_selector)
    return RequestInfo(
        True,
        verb,
        path,
        group,
        version,
        namespace,
        resource,
        subresource,
        name,
        field_selector,
        label_selector,
    )


def _selected_name(field_selector: str) -> str:
    if "metadata.name" not in field_selector:
        return ""
    try:
        return selectors.parse_fields(field_selector).requires_exact("metadata.name") or ""
    except selectors.SelectorError:
        return ""  # the handler refuses it
