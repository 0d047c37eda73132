"""Bodies of requests and answers as objects for the audit log."""

from typing import Any, Final

import orjson

from strongroom.api import decoding, scheme
from strongroom.machinery.codec import yaml
from strongroom.machinery.codec.errors import DecodeError
from strongroom.machinery.gvk import Object
from strongroom.machinery.request_info import RequestInfo
from strongroom.machinery.status import StatusError
from strongroom.server.request import Request

_UNREAD: Final = (400, 413, 415)
_HOLDERS: Final = (
    "Secret",
    "ConfigMap",
    "SecretList",
    "ConfigMapList",
    "TokenReview",
    "TokenRequest",
    "NodeTokenRequest",
    "List",
)
"""Kinds that are in no body that may be shown, wherever somebody sends them."""
_FIELDS: Final = ("data", "stringData", "binaryData")
"""Where those kinds have values. None that may be shown has such a field: it is a mistake of who sends it."""


def of_request(request: Request, code: int) -> Any:
    """What was sent: an object, or a patch as it is; None when there is nothing, or it was not understood."""
    notes = request.notes
    if notes is None or not notes.body or code in _UNREAD:
        return None
    return _shown(_decoded(notes.body, request.header(b"content-type"), request.info))


def of_answer(request: Request, content_type: str) -> Any:
    """What was answered, if it is an object. A failure is told by the event's responseStatus."""
    notes = request.notes
    if notes is None or not notes.answer or notes.failure is not None:
        return None
    media = content_type.partition(";")[0]
    if media not in (decoding.JSON, decoding.YAML):
        return None
    return _shown(_decoded(notes.answer, media, request.info))


def without_managed_fields(document: Any) -> Any:
    """A copy, where there is something to leave out: of an object, of a list's items, of a Table's rows."""
    if not isinstance(document, dict):
        return document
    made = dict(document)
    if isinstance(metadata := made.get("metadata"), dict):
        made["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"}
    if isinstance(items := made.get("items"), list):
        made["items"] = [without_managed_fields(item) for item in items]
    if isinstance(rows := made.get("rows"), list):
        made["rows"] = [
            {**row, "object": without_managed_fields(row.get("object"))} if isinstance(row, dict) else row
            for row in rows
        ]
    return made


def _decoded(body: bytes, content_type: str, info: RequestInfo) -> Any:
    media = content_type.partition(";")[0].strip().lower()
    try:
        if media == decoding.PROTOBUF:
            strategy = scheme.lookup(info.group, info.version, info.resource)
            if strategy is None or info.subresource not in ("", "status"):
                return None
            return decoding.decode(body, media, strategy.resource, decoding.IGNORE).obj
        if media.endswith("yaml"):
            return yaml.decode(body)[0]
        return orjson.loads(body)
    except (DecodeError, StatusError, ValueError):
        return None


def _shown(document: Any) -> Any:
    """Nothing of what is of a kind that holds values, or looks like it: it was sent to the wrong place."""
    if isinstance(document, dict):
        obj: Object = document
        if obj.get("kind") in _HOLDERS:
            return None
        return {key: value for key, value in obj.items() if key not in _FIELDS}
    if isinstance(document, list):  # a JSON patch
        return [step for step in map(_step, document) if step is not None]
    return None


def _step(step: Any) -> Any:
    if not isinstance(step, dict):
        return None
    path = str(step.get("path", "")).split("/")
    if len(path) > 1 and path[1] and path[1] not in _FIELDS:
        return step
    return {key: value for key, value in step.items() if key != "value"}
