"""From a call to a request and from a response to an object: pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from strongroom.client.response import Headers
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
METADATA = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
STRATEGIC_MERGE = "application/strategic-merge-patch+json"

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Gone",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request before a transport sends it. The body does not print."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a list or watch is narrowed to. Empty parts are not sent."""

    field_selector: str = ""
    label_selector: str = ""
    resource_version: str = ""
    limit: int = 0
    token: str = ""

    def query(self) -> list[tuple[str, str]]:
        pairs = [
            ("fieldSelector", self.field_selector),
            ("labelSelector", self.label_selector),
            ("resourceVersion", self.resource_version),
            ("limit", str(self.limit) if self.limit else ""),
            ("continue", self.token),
        ]
        return [pair for pair in pairs if pair[1]]


def get(resource: Resource, name: str, namespace: str | None, *, metadata_only: bool = False) -> Request:
    headers = {"accept": METADATA} if metadata_only else {}
    return Request("GET", resource.path(namespace, name), headers=headers)


def list_page(
    resource: Resource, namespace: str | None, options: ListOptions, *, metadata_only: bool = False
) -> Request:
    headers = {"accept": METADATA_LIST} if metadata_only else {}
    return Request("GET", resource.path(namespace), tuple(options.query()), headers)


def first_of(resource: Resource, namespace: str | None) -> Request:
    """A page of one object's metadata, which says how many more there are."""
    return Request("GET", resource.path(namespace), (("limit", "1"),), {"accept": METADATA_LIST})


def watch(
    resource: Resource,
    namespace: str | None,
    options: ListOptions,
    *,
    bookmarks: bool,
    initial_events: bool,
    timeout_seconds: int = 0,
) -> Request:
    """A watch from `options.resource_version` on; with `initial_events` it begins with the present state."""
    query = [*options.query(), ("watch", "true")]
    if bookmarks:
        query.append(("allowWatchBookmarks", "true"))
    if initial_events:
        query += [("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan")]
    if timeout_seconds:
        query.append(("timeoutSeconds", str(timeout_seconds)))
    return Request("GET", resource.path(namespace), tuple(query))


def create(resource: Resource, obj: Object, namespace: str | None, subresource: str, name: str) -> Request:
    """POST to the collection, or to a subresource of `name`."""
    path = resource.path(namespace, name or None, subresource or None)
    return Request("POST", path, headers={"content-type": JSON}, body=orjson.dumps(obj))


def update(resource: Resource, obj: Object, namespace: str | None, subresource: str) -> Request:
    path = resource.path(namespace, obj["metadata"]["name"], subresource or None)
    return Request("PUT", path, headers={"content-type": JSON}, body=orjson.dumps(obj))


def patch(
    resource: Resource,
    name: str,
    document: object,
    namespace: str | None,
    subresource: str,
    content_type: str,
) -> Request:
    path = resource.path(namespace, name, subresource or None)
    return Request("PATCH", path, headers={"content-type": content_type}, body=orjson.dumps(document))


def delete(
    resource: Resource,
    name: str | None,
    namespace: str | None,
    *,
    grace_period_seconds: int | None = None,
    uid: str | None = None,
    resource_version: str | None = None,
    propagation_policy: str = "",
    options: ListOptions | None = None,
) -> Request:
    """DELETE of one object, or of the collection when `name` is None."""
    body: dict[str, Any] = {}
    if grace_period_seconds is not None:
        body["gracePeriodSeconds"] = grace_period_seconds
    if propagation_policy:
        body["propagationPolicy"] = propagation_policy
    preconditions = {"uid": uid, "resourceVersion": resource_version}
    if any(value is not None for value in preconditions.values()):
        body["preconditions"] = {key: value for key, value in preconditions.items() if value is not None}
    query = tuple(options.query()) if options else ()
    path = resource.path(namespace, name)
    if not body:
        return Request("DELETE", path, query)
    body = {"kind": "DeleteOptions", "apiVersion": "v1", **body}
    return Request("DELETE", path, query, {"content-type": JSON}, orjson.dumps(body))


def decode(code: int, headers: Headers, body: bytes) -> Object:
    """The object of a successful answer; raises the StatusError of any other."""
    if not 200 <= code < 300:
        raise error(code, headers, body)
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        decoded = None
    if not isinstance(decoded, dict):
        # no `from`: the library's error quotes the document
        raise status.StatusError(500, "InternalError", "the server's answer is not a JSON object") from None
    return decoded


def error(code: int, headers: Headers, body: bytes) -> status.StatusError:
    """The error of an answer that is not success; without a Status in it, with the reason of its code."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        decoded = None
    if isinstance(decoded, dict) and decoded.get("kind") == "Status":
        return status.StatusError.from_dict(decoded, code)
    text = body[:200].decode("utf-8", "replace").strip() or f"the server answered {code}"
    return status.StatusError(code, _REASONS.get(code, ""), text, retry_after=retry_after(headers))


def retry_after(headers: Headers) -> int:
    """Seconds of the Retry-After header, 0 when there is none."""
    value = headers.get("retry-after", "")
    return int(value) if value.isascii() and value.isdigit() else 0
