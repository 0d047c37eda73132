"""The paths of an OpenAPI 3.0 document: what can be done with each served resource.

Field names and extensions are those that kubectl looks for: the kind of an operation in
`x-kubernetes-group-version-kind`, the `fieldValidation` parameter, the media types of a patch.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from strongroom.api import schema
from strongroom.api.strategy import Strategy, Subresource
from strongroom.machinery.gvk import Resource

Document = dict[str, Any]

MEDIA_TYPES: Final = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
PATCH_TYPES: Final = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
_PREFIX: Final = "#/components/schemas/"
_STATUS: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"
_DELETE_OPTIONS: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
PATCH_SCHEMA: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"

_QUERY: Final = {
    "allowWatchBookmarks": ("boolean", "Send bookmarks while watching."),
    "continue": ("string", "Where the list before this one ended."),
    "dryRun": ("string", "All: do everything but store the result."),
    "fieldManager": ("string", "Name of the actor that makes the change."),
    "fieldSelector": ("string", "Only objects whose fields have these values."),
    "fieldValidation": ("string", "What unknown and repeated fields mean: Ignore, Warn or Strict."),
    "force": ("boolean", "Take over fields that others manage (apply patches only)."),
    "gracePeriodSeconds": ("integer", "Seconds until the object is deleted."),
    "labelSelector": ("string", "Only objects with these labels."),
    "limit": ("integer", "The most objects that one answer holds."),
    "orphanDependents": ("boolean", "Deprecated: use propagationPolicy."),
    "pretty": ("string", "Indent the answer."),
    "propagationPolicy": ("string", "What becomes of dependents: Orphan, Background or Foreground."),
    "resourceVersion": ("string", "How recent the answer must be."),
    "resourceVersionMatch": ("string", "How resourceVersion is meant: Exact or NotOlderThan."),
    "sendInitialEvents": ("boolean", "Begin a watch with the objects that exist."),
    "timeoutSeconds": ("integer", "Seconds until the answer ends."),
    "watch": ("boolean", "Send changes as they happen."),
}
_LIST: Final = (
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
)
_WRITE: Final = ("dryRun", "fieldManager", "fieldValidation")
_DELETE: Final = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")

_METHODS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "list": ("get", _LIST),
    "create": ("post", _WRITE),
    "deletecollection": ("delete", (*_DELETE, *_LIST)),
    "get": ("get", ()),
    "update": ("put", _WRITE),
    "patch": ("patch", (*_WRITE, "force")),
    "delete": ("delete", _DELETE),
    "connect": ("get", ()),
}
_COLLECTION: Final = ("list", "create", "deletecollection")
_ITEM: Final = ("get", "update", "patch", "delete")


def paths(strategy: Strategy) -> Iterator[tuple[str, Document]]:
    """Each path of a resource with its path item."""
    resource = strategy.resource
    names = [("name", f"name of the {resource.kind}")]
    if resource.namespaced:
        if "list" in strategy.verbs:
            yield resource.path(), _item(resource, strategy, ("list",), [], " in all namespaces")
        names = [("namespace", "object name and auth scope, such as for teams and projects"), *names]
    base = resource.path("{namespace}").replace("%7Bnamespace%7D", "{namespace}")
    collection = [verb for verb in _COLLECTION if verb in strategy.verbs]
    if collection:
        yield base, _item(resource, strategy, collection, names[:-1], "")
    yield (
        f"{base}/{{name}}",
        _item(resource, strategy, [verb for verb in _ITEM if verb in strategy.verbs], names, ""),
    )
    for subresource in strategy.subresources:
        yield f"{base}/{{name}}/{subresource.name}", _subresource(resource, subresource, names)


def _item(
    resource: Resource,
    strategy: Strategy,
    verbs: Sequence[str],
    names: Sequence[tuple[str, str]],
    where: str,
) -> Document:
    message = schema.for_kind(resource.group, resource.version, resource.kind)
    body = schema.definition_name(message) if message else ""
    item: Document = {}
    for verb in verbs:
        result = body
        if verb == "list":
            result = f"{body}List"
        elif verb == "deletecollection" or (verb == "delete" and not strategy.returns_deleted):
            result = _STATUS
        item[_METHODS[verb][0]] = _operation(resource, verb, resource.kind, body, result, where)
    return _with_parameters(item, names)


def _subresource(resource: Resource, subresource: Subresource, names: Sequence[tuple[str, str]]) -> Document:
    group, version = subresource.group or resource.group, subresource.version or resource.version
    message = schema.for_kind(group, version, subresource.kind)
    body = schema.definition_name(message) if message else ""
    kind = Resource(group, version, resource.plural, subresource.kind)
    item: Document = {}
    for verb in subresource.verbs:
        if verb in _METHODS:
            method = _METHODS[verb][0]
            what = f"{resource.kind}/{subresource.name}"
            item[method] = _operation(kind, verb, what, body, body, "", subresource.name)
    return _with_parameters(item, names)


def _with_parameters(item: Document, names: Sequence[tuple[str, str]]) -> Document:
    path = [
        {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}
        for name, text in names
    ]
    return {**item, "parameters": [*path, _query("pretty")]}


def _operation(
    resource: Resource, verb: str, what: str, body: str, result: str, where: str, subresource: str = ""
) -> Document:
    method, query = _METHODS[verb]
    tag = f"{resource.group.partition('.')[0] or 'core'}_{resource.version}"
    scope = "Namespaced" if resource.namespaced and not where else ""
    suffix = "ForAllNamespaces" if where else subresource.title()
    operation: Document = {
        "tags": [tag],
        "description": f"{verb} {what}{where}",
        "operationId": f"{verb}{tag.title().replace('_', '')}{scope}{resource.kind}{suffix}",
        "parameters": [_query(name) for name in query],
        "responses": {"200": {"description": "OK", "content": _content(result, MEDIA_TYPES)}},
        "x-kubernetes-action": "post" if verb == "create" else verb if verb in ("list", "patch") else method,
        "x-kubernetes-group-version-kind": {
            "group": resource.group,
            "version": resource.version,
            "kind": resource.kind,
        },
    }
    if verb == "patch":
        operation["requestBody"] = {"content": _content(PATCH_SCHEMA, PATCH_TYPES), "required": True}
    elif verb in ("create", "update"):
        operation["requestBody"] = {"content": _content(body, MEDIA_TYPES), "required": True}
    elif verb in ("delete", "deletecollection"):
        operation["requestBody"] = {"content": _content(_DELETE_OPTIONS, MEDIA_TYPES)}
    if verb == "create":
        operation["responses"]["201"] = {"description": "Created", "content": _content(result, MEDIA_TYPES)}
    operation["responses"]["401"] = {"description": "Unauthorized"}
    return operation


def _content(name: str, media_types: Sequence[str]) -> Document:
    described: Document = {"schema": {"$ref": _PREFIX + name}} if name else {}
    return dict.fromkeys(media_types, described)


def _query(name: str) -> Document:
    kind, text = _QUERY[name]
    return {
        "name": name,
        "in": "query",
        "description": text,
        "schema": {"type": kind, "uniqueItems": True},
    }
