"""Secrets as most clients write them, read in one pass: what rests on their keys alone is found out once.

A plain Secret has a name, data or stringData, and a type without rules of its own; nothing else. What is not
plain, and whatever would be refused or warned of, goes the general way of all kinds (decoding, then the
strategy), which has the words for it. A plain one comes out of both ways the same; it costs a fraction here.
"""

from typing import Any, Final

import orjson

from strongroom.api import resources
from strongroom.api.core.v1 import base64_data
from strongroom.api.core.v1.secret import OPAQUE, TYPES_WITH_RULES
from strongroom.machinery import names
from strongroom.machinery.codec import json

LONGEST: Final = 64 * 1024
"""Bytes of a body. No data of it can be too long."""

_KEYS_MAX: Final = 64
_SHAPES_MAX: Final = 2048
_KIND: Final = resources.SECRETS.kind
_API_VERSION: Final = resources.SECRETS.api_version
_FIELDS: Final = frozenset(("kind", "apiVersion", "metadata", "data", "stringData", "type"))
_METADATA: Final = frozenset(("name", "namespace"))
_NOTHING: Final[dict[str, Any]] = {}


class Shape:
    """The keys of plain Secrets that have the same ones. Only one with `order` is plain.

    `keys`: how many a document has. `order`: those of the data, sorted. `sorted`: they come so."""

    __slots__ = ("keys", "order", "sorted")

    def __init__(self, keys: int, order: tuple[str, ...], *, is_sorted: bool) -> None:
        self.keys = keys
        self.order = order
        self.sorted = is_sorted


class PlainSecret:
    """One, with its data as it is stored: canonical base64, sorted by key."""

    __slots__ = ("data", "name", "shape", "type")

    def __init__(self, name: str, kind: str, data: dict[str, str], shape: Shape) -> None:
        self.name = name
        self.type = kind
        self.data = data
        self.shape = shape

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
    get = value.get
    metadata, data, text = get("metadata"), get("data", _NOTHING), get("stringData", _NOTHING)
    if not (metadata.__class__ is data.__class__ is text.__class__ is dict):
        return None
    keys = (tuple(value), tuple(metadata), tuple(data), tuple(text))
    shape = _shapes.get(keys) or _learn(keys)
    if not shape.order or json.may_repeat_keys(body, shape.keys):
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
    is_canonical = base64_data.is_canonical
    for item in data.values():
        if item.__class__ is not str or not is_canonical(item):
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
    return PlainSecret(name, kind, data, shape)


def _learn(keys: tuple[tuple[str, ...], ...]) -> Shape:
    fields, metadata, data, text = keys
    merged = tuple(dict.fromkeys((*data, *text)))
    order: tuple[str, ...] = ()
    if (
        len(merged) <= _KEYS_MAX
        and _FIELDS.issuperset(fields)
        and _METADATA.issuperset(metadata)
        and "name" in metadata
        and not any(map(names.config_map_key, merged))
    ):
        order = tuple(sorted(merged))
    shape = Shape(sum(map(len, keys)), order, is_sorted=merged == order)
    if sum(map(len, keys)) <= _KEYS_MAX:
        if len(_shapes) >= _SHAPES_MAX:
            _shapes.clear()
        _shapes[keys] = shape
    return shape
