"""Decoded JSON to API objects, as Go's `encoding/json` fills a struct.

Types are checked, unknown fields and nulls left out, zero values dropped where Go's output would not have
them, times and quantities brought to their one form, fields put into the order of the kind. What
comes out does not share dicts or lists with what went in, except below fields of free JSON.
"""

import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from strongroom.machinery.codec import scalars, zeros
from strongroom.machinery.codec.errors import TypeMismatch
from strongroom.machinery.codec.types import Type, TypeTable

Path = tuple[Any, Any] | None
"""Where the walk is: (path of the parent, step), None at the root.

A step is a field's name, an index, or (embedded structs, name) for a field of structs that Go embeds."""

_MISSING: Final = object()

_CLASSES: Final[dict[str, type]] = {
    "string": str,
    "bytes": str,
    "Time": str,
    "MicroTime": str,
    "int32": int,
    "int64": int,
    "bool": bool,
    "list": list,
    "map": dict,
    "message": dict,
}
MAX_RAW_DEPTH: Final = 100
_INT_LIMITS: Final = {"int32": 2**31, "int64": 2**63}


@dataclass(slots=True)
class Walk:
    """What a walk has met. `keys` counts the keys of all dicts that it entered."""

    keys: int = 0
    unknown: list[Path] = field(default_factory=list)
    raw: list[Path] = field(default_factory=list)


Decode = Callable[[Any, Path, Walk], Any]


def render(path: Path) -> str:
    """`spec.containers[0].env`."""
    parts = []
    while path is not None:
        path, step = path
        name = step[-1] if isinstance(step, tuple) else step
        parts.append(f"[{name}]" if isinstance(name, int) else f".{name}")
    return "".join(reversed(parts)).removeprefix(".")


def json_type(value: Any) -> str:
    """What Go calls a JSON value of the wrong type. Numbers are not quoted."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "number"


def mismatch(value: Any, struct: str, path: Path, go: str) -> TypeMismatch:
    """The error for a value in `path`, a field of the Go struct `struct`, whose type is `go`."""
    names: list[str] = []
    while path is not None:
        path, step = path
        if isinstance(step, tuple):
            names += reversed(step)
        elif not isinstance(step, int):
            names.append(step)
    kind = json_type(value)
    if kind == "number" and go in ("int32", "int64"):
        kind = f"number {value}"
    where = f"{struct}.{'.'.join(reversed(names))}"
    return TypeMismatch(f"json: cannot unmarshal {kind} into Go struct field {where} of type {go}")


class Structs:
    """Decoders for the messages of a table, each made when first asked for."""

    def __init__(self, types: TypeTable) -> None:
        self._types = types
        self._decoders: dict[str, Decode] = {}
        self.zeros = zeros.Zeros(types)

    def decoder(self, message: str) -> Decode:
        """`decode(value, path, walk) -> object`; `value` must be a dict. Raises TypeMismatch."""
        decoder = self._decoders.get(message)
        if decoder is None:
            decoder = self._decoders[message] = self._struct(message)
        return decoder

    def _struct(self, message: str) -> Decode:
        read, always = self._given(message), self.zeros.names(message)
        if not always:
            return read

        def decode(value: Any, path: Path, walk: Walk) -> Any:
            out = read(value, path, walk)
            return out if always <= out.keys() else self.zeros.complete(message, out)

        return decode

    def _given(self, message: str) -> Decode:
        """A decoder for what is there."""
        struct = message.rsplit(".", 1)[1]
        fields = self._types.json_fields(message)
        plans = tuple(
            (
                f.name,
                (*f.through, f.name) if f.through else f.name,
                _CLASSES.get(f.type.kind),
                self._value(f.type, struct),
                f.zero_counts,
                f.type.read_as,
            )
            for f in fields
        )
        known = frozenset(f.name for f in fields)

        def decode(value: Any, path: Path, walk: Walk) -> Any:
            left = len(value)
            walk.keys += left
            out: dict[str, Any] = {}
            if not left:
                return out
            get = value.get
            for name, step, expected, convert, zero_counts, go in plans:
                item = get(name, _MISSING)
                if item is _MISSING:
                    continue
                left -= 1
                if item is None:
                    continue
                if expected is not None and item.__class__ is not expected:
                    raise mismatch(item, struct, (path, step), go)
                if convert is not None:
                    item = convert(item, (path, step), walk)
                    if item is None:
                        continue
                # An empty list is none: what is stored has no way to tell them apart.
                if item or (zero_counts and item.__class__ is not list):
                    out[name] = item
                if not left:
                    return out
            if left:
                walk.unknown.extend((path, name) for name in value if name not in known)
            return out

        return decode

    def _value(self, kind: Type, struct: str) -> Decode | None:
        """What is left to do with a value of the right JSON type; None: nothing."""
        if kind.kind == "message":
            return self.decoder(kind.message)
        if kind.kind == "list":
            return self._list(kind, struct)
        if kind.kind == "map":
            return self._map(kind, struct)
        return _scalar(kind, struct)

    def _nothing(self, kind: Type) -> Callable[[], Any]:
        """What a null in a list is."""
        if kind.kind == "message":
            return lambda: self.zeros.complete(kind.message, {})
        return zeros.of(kind)

    def _list(self, kind: Type, struct: str) -> Decode:
        element = _element(kind)
        expected, convert = _CLASSES.get(element.kind), self._value(element, struct)
        zero = self._nothing(element)

        def decode(value: Any, path: Path, walk: Walk) -> Any:
            out = []
            for index, item in enumerate(value):
                if item is None:
                    out.append(zero())
                elif expected is not None and item.__class__ is not expected:
                    raise mismatch(item, struct, path, element.read_as)
                else:
                    out.append(item if convert is None else convert(item, (path, index), walk))
            return out

        return decode

    def _map(self, kind: Type, struct: str) -> Decode:
        element = _element(kind)
        expected, convert, zero = _CLASSES.get(element.kind), self._value(element, struct), zeros.of(element)

        def decode(value: Any, path: Path, walk: Walk) -> Any:
            walk.keys += len(value)
            out = {}
            for name, item in sorted(value.items()) if len(value) > 1 else value.items():
                if item is None:
                    out[name] = zero()
                elif expected is not None and item.__class__ is not expected:
                    if element.kind != "bytes" or item.__class__ is not list:
                        raise mismatch(item, struct, path, element.read_as)
                    out[name] = _octets(item, struct, path)
                else:
                    out[name] = item if convert is None else convert(item, path, walk)
            return out

        return decode


def _octets(items: list[Any], struct: str, path: Path) -> str:
    """Bytes that came as an array of numbers, in the form of all others: base64. null is 0."""
    for item in items:
        if item is not None and (item.__class__ is not int or not 0 <= item < 256):
            raise mismatch(item, struct, path, "uint8")
    return binascii.b2a_base64(bytes(item or 0 for item in items), newline=False).decode("ascii")


def too_deep(value: Any) -> bool:
    """Whether free JSON is nested deeper than any real one, and than what can be encoded again."""
    level = [value]
    for _ in range(MAX_RAW_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _element(kind: Type) -> Type:
    if kind.element is None:
        raise ValueError(f"{kind.go} has no element")
    return kind.element


def _scalar(kind: Type, struct: str) -> Decode | None:
    if kind.kind in _INT_LIMITS:
        limit = _INT_LIMITS[kind.kind]

        def integer(value: Any, path: Path, walk: Walk) -> Any:
            if not -limit <= value < limit:
                raise mismatch(value, struct, path, kind.go)
            return value

        return integer
    if kind.kind == "double":

        def number(value: Any, path: Path, walk: Walk) -> Any:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise mismatch(value, struct, path, kind.go)
            return value

        return number
    if kind.kind == "Time":
        return lambda value, path, walk: scalars.time(value)
    if kind.kind == "MicroTime":
        return lambda value, path, walk: scalars.micro_time(value)
    if kind.kind == "Quantity":
        return lambda value, path, walk: scalars.quantity(value)
    if kind.kind == "IntOrString":

        def int_or_string(value: Any, path: Path, walk: Walk) -> Any:
            if value.__class__ is str or (value.__class__ is int and -(2**31) <= value < 2**31):
                return value
            raise mismatch(value, struct, path, "int32")

        return int_or_string
    if kind.kind in ("FieldsV1", "RawExtension"):

        def raw(value: Any, path: Path, walk: Walk) -> Any:
            if too_deep(value):
                raise TypeMismatch("exceeded max depth")
            walk.raw.append(path)
            return value

        return raw
    return None
