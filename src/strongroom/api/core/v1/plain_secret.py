"""Secrets as most clients write them, read in one pass: what rests on their keys alone is found out once.

A plain Secret has a name, data or stringData, a type without rules of its own, and maybe labels, annotations
and what the server set in its metadata when it was read; nothing else. What is not plain, and whatever would
be refused or warned of, goes the general way of all kinds (decoding, then the strategy), which has the words
for it. A plain one comes out of both ways the same; it costs a fraction here.
"""

from typing import Any, Final

import orjson

from strongroom.api import resources, schema
from strongroom.api.core.v1 import base64_data
from strongroom.api.core.v1.secret import OPAQUE, TYPES_WITH_RULES
from strongroom.machinery import names
from strongroom.machinery.codec import json, protobuf
from strongroom.machinery.codec.errors import DecodeError, TypeMismatch
from strongroom.machinery.gvk import Object

LONGEST: Final = 64 * 1024
"""Bytes of a body. No data and no annotations of it can be too long."""

_KEYS_MAX: Final = 64
_SHAPES_MAX: Final = 2048
_KIND: Final = resources.SECRETS.kind
_API_VERSION: Final = resources.SECRETS.api_version
_MESSAGE: Final = "core.v1.Secret"
_FIELDS: Final = frozenset(("kind", "apiVersion", "metadata", "data", "stringData", "type"))
_BARE: Final = frozenset(("name", "namespace"))
_METADATA: Final = _BARE | {
    *("uid", "resourceVersion", "creationTimestamp", "labels", "annotations", "managedFields")
}
_NOTHING: Final[dict[str, Any]] = {}


class Shape:
    """The keys of plain Secrets that have the same ones. Only one with `order` is plain.

    `keys`: how many a document has, but for those of managedFields. `order`: those of the data, sorted;
    `sorted`: they come so. `labels`, `annotations`: their keys, if they do not come so. `bare`: of metadata
    there is no more than name and namespace."""

    __slots__ = ("annotations", "bare", "keys", "labels", "order", "sorted")

    def __init__(
        self, keys: tuple[tuple[str, ...], ...], order: tuple[str, ...], *, is_sorted: bool, bare: bool
    ) -> None:
        *_, labels, annotations = keys
        self.keys = sum(map(len, keys))
        self.order = order
        self.labels = _sorted(labels)
        self.annotations = _sorted(annotations)
        self.sorted = is_sorted
        self.bare = bare


def _sorted(keys: tuple[str, ...]) -> tuple[str, ...]:
    """() if they are sorted already."""
    order = tuple(sorted(keys))
    return () if order == keys else order


class PlainSecret:
    """One, with its data as it is stored: canonical base64, sorted by key.

    `labels`, `annotations`: sorted by key, empty ones None. `metadata`: as it came."""

    __slots__ = ("annotations", "data", "labels", "metadata", "name", "shape", "type")

    def __init__(
        self, name: str, kind: str, data: dict[str, str], metadata: dict[str, Any], shape: Shape
    ) -> None:
        self.name = name
        self.type = kind
        self.data = data
        self.metadata = metadata
        self.shape = shape
        self.labels: dict[str, str] | None = None
        self.annotations: dict[str, str] | None = None
        if shape.bare:
            return
        if labels := metadata.get("labels"):
            self.labels = {key: labels[key] for key in shape.labels} if shape.labels else labels
        if annotations := metadata.get("annotations"):
            order = shape.annotations
            self.annotations = {key: annotations[key] for key in order} if order else annotations

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


_shapes: dict[Any, Shape] = {}


def read(body: bytes, namespace: str) -> PlainSecret | None:
    """The Secret in a request body (JSON) that is written to `namespace`. None: it is not plain."""
    if len(body) > LONGEST:
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if value.__class__ is not dict:
        return None
    return _read(value, namespace, body)


def read_protobuf(body: bytes, namespace: str) -> PlainSecret | None:
    """The same of a protobuf body."""
    if len(body) > LONGEST:
        return None
    try:
        envelope = protobuf.open_envelope(body)
        if envelope.kind != _KIND or envelope.api_version != _API_VERSION:
            return None
        value = schema.protobuf_decoder().decode(_MESSAGE, envelope.raw)
    except (DecodeError, TypeMismatch):
        return None
    return _read(value, namespace, None)


def _read(value: Object, namespace: str, body: bytes | None) -> PlainSecret | None:
    """`body`: the text, in which keys may come twice."""
    get = value.get
    metadata, data, text = get("metadata"), get("data", _NOTHING), get("stringData", _NOTHING)
    if not (metadata.__class__ is data.__class__ is text.__class__ is dict):
        return None
    labels, annotations = metadata.get("labels", _NOTHING), metadata.get("annotations", _NOTHING)
    if not labels.__class__ is annotations.__class__ is dict:
        return None
    keys = (tuple(value), tuple(metadata), tuple(data), tuple(text), tuple(labels), tuple(annotations))
    shape = _shapes.get(keys) or _learn(keys)
    if not shape.order or (body is not None and json.may_repeat_keys(body, shape.keys, value)):
        return None
    name, kind = metadata["name"], get("type", OPAQUE)
    if (
        name.__class__ is not str
        or kind.__class__ is not str
        or not kind
        or kind in TYPES_WITH_RULES
        or get("kind", _KIND) != _KIND
        or get("apiVersion", _API_VERSION) != _API_VERSION
        or metadata.get("namespace", namespace) != namespace
        or names.dns1123_subdomain(name)
    ):
        return None
    if body is not None:
        is_canonical = base64_data.is_canonical
        for item in data.values():
            if item.__class__ is not str or not is_canonical(item):
                return None
    for item in labels.values():
        if item.__class__ is not str or names.label_value(item):
            return None
    for item in annotations.values():
        if item.__class__ is not str:
            return None
    if text:
        # What was read is nobody else's: it may be changed.
        data = dict(data) if data is _NOTHING else data
        for key, item in text.items():
            if item.__class__ is not str:
                return None
            data[key] = base64_data.encode(item.encode())
    if not shape.sorted:
        data = {key: data[key] for key in shape.order}
    return PlainSecret(name, kind, data, metadata, shape)


def _learn(keys: tuple[tuple[str, ...], ...]) -> Shape:
    fields, metadata, data, text, labels, annotations = keys
    merged = tuple(dict.fromkeys((*data, *text)))
    order: tuple[str, ...] = ()
    if (
        len(merged) <= _KEYS_MAX
        and _FIELDS.issuperset(fields)
        and _METADATA.issuperset(metadata)
        and "name" in metadata
        and not any(map(names.config_map_key, merged))
        and not any(map(names.qualified_name, labels))
        and not any(names.qualified_name(key.lower()) for key in annotations)
    ):
        order = tuple(sorted(merged))
    shape = Shape(keys, order, is_sorted=merged == order, bare=_BARE.issuperset(metadata))
    if shape.keys <= _KEYS_MAX:
        if len(_shapes) >= _SHAPES_MAX:
            _shapes.clear()
        _shapes[keys] = shape
    return shape
