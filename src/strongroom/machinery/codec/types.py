"""The types of API messages: their fields in JSON and in protobuf, and what Go makes of absent and zero.

A type is written in one line, as `api/protobuf_table.txt` explains. This module reads that notation;
`structs` and `protobuf` turn what it says into decoders.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

SCALARS: Final = {
    "string": "string",
    "int32": "int32",
    "int64": "int64",
    "bool": "bool",
    "bytes": "[]uint8",
    "double": "float64",
    "Time": "v1.Time",
    "MicroTime": "v1.MicroTime",
    "Quantity": "resource.Quantity",
    "IntOrString": "intstr.IntOrString",
    "FieldsV1": "v1.FieldsV1",
    "RawExtension": "runtime.RawExtension",
}
"""Types that have no fields, and their names in Go's error texts."""

_NAMED = re.compile(r"([A-Za-z.]+)=(.+)")


@dataclass(frozen=True, slots=True)
class Type:
    """`kind` is one of SCALARS, "list", "map" or "message"; `go` is the name in Go."""

    kind: str
    go: str
    element: "Type | None" = None
    message: str = ""

    @property
    def read_as(self) -> str:
        """The Go type that an error text names: times are read as texts."""
        return "string" if self.kind in ("Time", "MicroTime") else self.go


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `zero_counts`: absent and zero differ (a Go pointer), or zero is printed all the same.

    `pointer`: it is a pointer in Go, so it can be absent even if it is a struct.
    `always`: printed even where nothing was given, as "", 0, {} or null.
    `through`: the embedded Go structs that lead to it, which error texts name before it."""

    number: int
    name: str
    type: Type
    embedded: bool
    zero_counts: bool
    pointer: bool = False
    always: bool = False
    through: tuple[str, ...] = ()


class TypeTable:
    """Messages by name, such as `core.v1.Secret`; each is parsed when first asked for."""

    def __init__(self, lines: Mapping[str, str]) -> None:
        self._lines = lines
        self._fields: dict[str, tuple[Field, ...]] = {}

    def __contains__(self, message: str) -> bool:
        return message in self._lines

    def messages(self) -> tuple[str, ...]:
        return tuple(self._lines)

    def fields(self, message: str) -> tuple[Field, ...]:
        """The fields as protobuf has them: an embedded message is one field."""
        fields = self._fields.get(message)
        if fields is None:
            package = message.rsplit(".", 1)[0]
            fields = tuple(parse_field(text, package) for text in self._lines[message].split("; "))
            self._fields[message] = fields
        return fields

    def json_fields(self, message: str) -> tuple[Field, ...]:
        """The fields as JSON has them: those of embedded messages stand among the others."""
        flat: list[Field] = []
        for field in self.fields(message):
            if field.embedded:
                struct = field.type.message.rsplit(".", 1)[1]
                inner = self.json_fields(field.type.message)
                flat.extend(replace(one, through=(struct, *one.through)) for one in inner)
            else:
                flat.append(field)
        return tuple(flat)


def parse_field(text: str, package: str) -> Field:
    """`5 immutable *bool` in a message of `package` (`core.v1`). Raises ValueError for another form."""
    number, name, notation = text.split(" ")
    pointer = notation.startswith("*")
    notation = notation.removeprefix("*")
    omitted = notation.endswith("~")
    printed = notation.endswith("!")
    parsed = parse_type(notation.rstrip("!~"), package)
    return Field(
        number=int(number),
        name=name.removeprefix("+"),
        type=parsed,
        embedded=name.startswith("+"),
        zero_counts=pointer or printed or (parsed.kind == "message" and not omitted),
        pointer=pointer,
        always=printed or (parsed.kind in ("message", "Time", "MicroTime") and not pointer and not omitted),
    )


def parse_type(notation: str, package: str) -> Type:
    """`[]Container`, `map<string>`, `SecretType=string`, … as seen from `package`."""
    named = _NAMED.fullmatch(notation)
    if named and not notation.startswith(("[]", "map<")):
        name, rest = named.groups()
        base = parse_type(rest, package)
        go = name if "." in name else f"{package.rsplit('.', 1)[1]}.{name}"
        return Type(base.kind, go, base.element, base.message)
    if notation.startswith("[]"):
        element = parse_type(notation[2:], package)
        return Type("list", f"[]{element.go}", element)
    if notation.startswith("map<"):
        element = parse_type(notation[4:-1], package)
        return Type("map", f"map[string]{element.go}", element)
    if notation in SCALARS:
        return Type(notation, SCALARS[notation])
    if "." in notation:
        group, name = notation.split(".")
        return Type("message", f"v1.{name}", message=f"{group}.v1.{name}")
    return Type("message", f"{package.rsplit('.', 1)[1]}.{notation}", message=f"{package}.{notation}")
