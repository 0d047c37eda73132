"""What Go has where nothing was given: zero values, and which of them it prints."""

from collections.abc import Callable
from typing import Any

from strongroom.machinery.codec.types import Field, Type, TypeTable

_SCALARS: dict[str, Callable[[], Any]] = {
    "string": str,
    "bytes": str,
    "int32": int,
    "int64": int,
    "bool": bool,
    "list": list,
    "Quantity": lambda: "0",
    "IntOrString": int,
}


def of(kind: Type) -> Callable[[], Any]:
    """What Go makes of a null in a list or map."""
    return _SCALARS.get(kind.kind, dict)


class Zeros:
    """The fields of a table's messages that are printed in any case: as "", 0, {} or null."""

    def __init__(self, types: TypeTable) -> None:
        self._types = types
        self._always: dict[str, dict[str, Callable[[], Any]]] = {}

    def names(self, message: str) -> frozenset[str]:
        """The fields of `message` that are always printed."""
        return frozenset(self._of(message))

    def complete(self, message: str, given: dict[str, Any]) -> dict[str, Any]:
        """`given`, in the order in which Go prints it, with what is printed in any case."""
        always, out = self._of(message), {}
        for field in self._types.json_fields(message):
            if field.name in given:
                out[field.name] = given[field.name]
            elif field.name in always:
                out[field.name] = always[field.name]()
        return out

    def _of(self, message: str) -> dict[str, Callable[[], Any]]:
        always = self._always.get(message)
        if always is None:
            fields = self._types.json_fields(message)
            always = self._always[message] = {f.name: self._nothing(f) for f in fields if f.always}
        return always

    def _nothing(self, field: Field) -> Callable[[], Any]:
        if field.pointer or field.type.kind in ("list", "map", "Time", "MicroTime"):
            return lambda: None
        if field.type.kind == "message":
            return lambda: self.complete(field.type.message, {})
        return of(field.type)
