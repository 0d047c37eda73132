"""Server-side apply's view of the kinds: which lists and maps have owners for their parts."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from strongroom.api import schema
from strongroom.machinery.codec import types as codec
from strongroom.machinery.gvk import Resource
from strongroom.machinery.patch.apply.types import (
    BOOLEAN,
    NUMERIC,
    STRING,
    UNTYPED,
    Atomic,
    Items,
    ListType,
    MapType,
    Scalar,
    Struct,
    Type,
)

_SCALARS: Final[Mapping[str, str]] = {
    "string": STRING,
    "bytes": STRING,
    "Time": STRING,
    "MicroTime": STRING,
    "int32": NUMERIC,
    "int64": NUMERIC,
    "double": NUMERIC,
    "bool": BOOLEAN,
}
_ATOMIC: Final = "atomic"


class _Message:
    """The fields of a message, looked up when first asked for: messages may hold themselves."""

    __slots__ = ("_always", "_fields", "_message")

    def __init__(self, message: str) -> None:
        self._message = message
        self._fields: Mapping[str, Type] | None = None
        self._always: Mapping[str, Any] | None = None

    @property
    def fields(self) -> Mapping[str, Type]:
        if self._fields is None:
            how = schema.owners().fields.get(self._message, {})
            self._fields = {
                field.name: _type(field.type, how.get(field.name, ""))
                for field in schema.table().json_fields(self._message)
            }
        return self._fields

    @property
    def always(self) -> Mapping[str, Any]:
        """What Go prints even where nothing was given: nobody owns it."""
        if self._always is None:
            self._always = schema.complete(self._message, {})
        return self._always


@cache
def _message(name: str) -> Struct:
    return _Message(name)


def _type(kind: codec.Type, how: str) -> Type:
    """`how`: "atomic", "granular", "set", keys joined by commas, or "" where upstream does not say."""
    if kind.kind == "message":
        struct = _message(kind.message)
        atomic = how == _ATOMIC or (not how and kind.message in schema.owners().atomic)
        return Atomic(struct) if atomic else struct
    if kind.kind in ("list", "map") and kind.element is not None:
        element = _type(kind.element, "")
        if kind.kind == "map":
            return Atomic(MapType(element)) if how == _ATOMIC else MapType(element)
        if how in ("", _ATOMIC, "granular"):
            return Atomic(Items(element))
        if how == "set":
            return ListType(element)
        keys = tuple(how.split(","))
        defaults = schema.owners().defaults.get(kind.element.message, {})
        known = tuple((key, defaults[key]) for key in keys if key in defaults)
        return ListType(element, keys, known)
    return Scalar(_SCALARS.get(kind.kind, UNTYPED))


def of_kind(resource: Resource) -> Struct:
    """The type of the resource's kind. Raises KeyError."""
    message = schema.for_kind(resource.group, resource.version, resource.kind)
    if message is None:
        raise KeyError(resource.group_kind)
    return _message(message)
