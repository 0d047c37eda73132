"""Protobuf bodies: the `k8s\\0` envelope, and messages to the JSON shape that Go would print for them.

One pass over the bytes makes the object, led by a `TypeTable`. A general protobuf library would build a
message first, and its import alone takes longer than a tenth of a server's whole start; tests hold this
reader against one.
"""

from binascii import b2a_base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import unpack_from
from typing import Any, Final

from strongroom.machinery.codec import json, scalars, structs, zeros
from strongroom.machinery.codec.errors import DecodeError, TypeMismatch
from strongroom.machinery.codec.types import Field, Type, TypeTable
from strongroom.machinery.gvk import Object

MAGIC: Final = b"k8s\0"
_HEAD: Final = MAGIC + b"\n"
_HEAD_AT: Final = len(_HEAD)

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types."""
_LAST_SHORT_TAG: Final = 15
"""The last number of a field whose tag is one byte."""
_KEY, _VALUE = 1 << 3 | BYTES, 2 << 3 | BYTES
"""Tags in an entry of a map."""
END_GROUP: Final = 4
_READABLE: Final = frozenset((VARINT, FIXED64, BYTES, FIXED32))
_UNKNOWN: Final = {1: "TypeMeta", 2: "Raw", 3: "ContentEncoding", 4: "ContentType"}
_NONE: Final[Mapping[int, str]] = {}
_TYPE_META: Final = {1: "APIVersion", 2: "Kind"}

_TRUNCATED: Final = "unexpected EOF"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Read = Callable[[bytes, int, int], Any]
"""`read(data, start, end)`: the value of a length-delimited field."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the envelope holds: the type of the object, and its message."""

    api_version: str
    kind: str
    raw: bytes


_NO_ENCODING: Final = b'\x1a\0"\0'
"""How an envelope ends whose contents are neither packed nor of another type."""
_HEADS_MAX: Final = 256
_heads: dict[bytes, tuple[str, str]] = {}
"""What types say: apiVersion and kind."""


def open_envelope(body: bytes) -> Envelope:
    """Raises DecodeError, in the words of Kubernetes' protobuf serializer."""
    usual = _usual(body)
    if usual is None:
        return _open(body)
    head, raw = usual
    known = _heads.get(head)
    if known is not None:
        return Envelope(*known, raw)
    envelope = _open(body)
    if len(_heads) >= _HEADS_MAX:
        _heads.clear()
    _heads[head] = (envelope.api_version, envelope.kind)
    return envelope


def _usual(body: bytes) -> tuple[bytes, bytes] | None:
    """The type and the message of an envelope as all clients write it."""
    if len(body) <= _HEAD_AT or not body.startswith(_HEAD) or body[_HEAD_AT] > 0x7F:
        return None
    at = _HEAD_AT + 1 + body[_HEAD_AT]
    if body[at : at + 1] != b"\x12":
        return None
    try:
        length, start = varint(body, at + 1, len(body))
    except TypeMismatch:
        return None
    if body[start + length :] != _NO_ENCODING:
        return None
    return body[_HEAD_AT:at], body[start : start + length]


def _open(body: bytes) -> Envelope:
    if not body:
        raise DecodeError("empty data")
    if not body.startswith(MAGIC):
        prefix = " ".join(str(byte) for byte in MAGIC)
        raise DecodeError(
            f"provided data does not appear to be a protobuf message, expected prefix [{prefix}]"
        )
    if len(body) == len(MAGIC):
        raise DecodeError("empty body")
    try:
        unknown = _Fields(body, len(MAGIC), len(body), "Unknown", _UNKNOWN)
        meta = unknown.text(1)
        names = _Fields(meta, 0, len(meta), "TypeMeta", _TYPE_META)
        return Envelope(names.text(1).decode(), names.text(2).decode(), unknown.text(2))
    except UnicodeDecodeError:
        raise DecodeError("string field contains invalid UTF-8") from None
    except TypeMismatch as error:
        raise DecodeError(str(error)) from None


class _Fields:
    """The last value of each field of a small message. `texts`: names of those that hold no number."""

    def __init__(
        self, data: bytes, start: int, end: int, message: str = "", texts: Mapping[int, str] = _NONE
    ) -> None:
        self._values: dict[int, Any] = {}
        for number, wire, value_start, value_end in fields(data, start, end, message):
            if wire not in _READABLE or (wire != BYTES and number in texts):
                raise wrong_wire(wire, texts.get(number, ""))
            if wire == BYTES:
                self._values[number] = data[value_start:value_end]
            elif wire == VARINT:
                self._values[number] = varint(data, value_start, value_end)[0]

    def text(self, number: int) -> bytes:
        value = self._values.get(number, b"")
        if not isinstance(value, bytes):
            raise TypeMismatch(f"proto: wrong wireType = 0 for field {number}")
        return value

    def number(self, number: int) -> int:
        value = self._values.get(number, 0)
        if not isinstance(value, int):
            raise TypeMismatch(f"proto: wrong wireType = 2 for field {number}")
        return value


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """An unsigned number at `at`, and where it ends. Raises TypeMismatch."""
    value = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift > 63:
            raise TypeMismatch("proto: integer overflow")
    raise TypeMismatch(_TRUNCATED)


def fields(data: bytes, at: int, end: int, message: str = "") -> list[tuple[int, int, int, int]]:
    """The fields of a message: (number, wire type, start, end of the value). Raises TypeMismatch.

    What comes after a wire type that there is not can't be read: its value ends with the message."""
    found = []
    while at < end:
        tag = data[at]
        at += 1
        if tag > 0x7F:
            tag, at = varint(data, at - 1, end)
        wire = tag & 7
        start = at
        if tag < 8:
            if wire == END_GROUP:
                raise TypeMismatch(f"proto: {message}: wiretype end group for non-group")
            raise TypeMismatch(f"proto: {message}: illegal tag 0 (wire type {wire})")
        if wire == BYTES:
            if at == end:
                raise TypeMismatch(_TRUNCATED)
            length = data[at]
            start = at + 1
            if length > 0x7F:
                length, start = varint(data, at, end)
                if length >> 63:
                    raise TypeMismatch("proto: negative length found during unmarshaling")
            at = start + length
        elif wire == VARINT:
            while at < end and data[at] > 0x7F:
                at += 1
            at += 1
        elif wire == FIXED64:
            at += 8
        elif wire == FIXED32:
            at += 4
        elif wire == END_GROUP:
            raise TypeMismatch(f"proto: {message}: wiretype end group for non-group")
        else:
            at = end
        if at > end:
            raise TypeMismatch(_TRUNCATED)
        found.append((tag >> 3, wire, start, at))
    return found


def wrong_wire(wire: int, name: str) -> TypeMismatch:
    """`name`: of a field as Go has it; "" for one that is not known, and can't be passed over."""
    if not name:
        return TypeMismatch(f"proto: illegal wireType {wire}")
    return TypeMismatch(f"proto: wrong wireType = {wire} for field {name}")


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one field is read. `read` is None for numbers; `repeated`: "list", "map" or ""."""

    name: str
    wire: int
    read: Read | None
    number: Callable[[int], Any]
    repeated: str


class Decoder:
    """Decodes the messages of a table. `quick`: the usual ones with less work; to the same end."""

    def __init__(self, types: TypeTable, *, quick: bool = True) -> None:
        self._types = types
        self._readers: dict[str, Read] = {}
        self._zeros = zeros.Zeros(types)
        self._quick = quick
        self._thorough = Decoder(types, quick=False) if quick else self

    def decode(self, message: str, raw: bytes) -> Object:
        """The JSON shape of a message such as `core.v1.Secret`: what Go prints for what it reads there.

        Raises TypeMismatch when `raw` is no such message."""
        try:
            obj: Object = self._reader(message)(raw, 0, len(raw))
        except (TypeMismatch, UnicodeDecodeError):
            if not self._quick:
                raise
            return self._thorough.decode(message, raw)  # it is the first problem that is told of
        return obj

    def _reader(self, message: str) -> Read:
        reader = self._readers.get(message)
        if reader is None:
            reader = self._readers[message] = self._struct(message)
        return reader

    def _struct(self, message: str) -> Read:
        always, short = self._zeros.names(message), message.rpartition(".")[2]
        plans = {f.number: self._plan(f) for f in self._types.fields(message) if f.number}
        order = [
            (f.number, "" if f.embedded else f.name, f.zero_counts)
            for f in self._types.fields(message)
            if f.number
        ]

        def read(data: bytes, start: int, end: int) -> Any:
            values: dict[int, Any] = {}
            for number, wire, at, stop in fields(data, start, end, short):
                plan = plans.get(number)
                if plan is None:
                    if wire not in _READABLE:
                        raise wrong_wire(wire, "")
                    continue
                if wire != plan.wire:
                    if plan.repeated == "list" and wire == BYTES:
                        values.setdefault(number, []).extend(_packed(data, at, stop, plan))
                        continue
                    raise wrong_wire(wire, _go_name(plan.name))
                if plan.read is not None:
                    value = plan.read(data, at, stop)
                elif wire == VARINT:
                    value = plan.number(data[at] if stop - at == 1 else varint(data, at, stop)[0])
                else:
                    value = unpack_from("<d", data, at)[0]
                if plan.repeated == "list":
                    values.setdefault(number, []).append(value)
                elif plan.repeated == "map":
                    values.setdefault(number, {})[value[0]] = value[1]
                else:
                    values[number] = value
            out = _ordered(values, order, plans)
            return out if always <= out.keys() else self._zeros.complete(message, out)

        return self._in_order(message, plans, order, read) if self._quick else read

    def _in_order(
        self, message: str, plans: dict[int, _Plan], order: list[tuple[int, str, bool]], read: Read
    ) -> Read:
        """A reader for messages whose fields come in the order of their numbers, as clients write them: in
        one go. What is not so it leaves to `read`."""
        printed = [number for number, _, _ in order]
        if not all(name for _, name, _ in order):
            return read
        shuffled = () if printed == sorted(printed) else tuple(name for _, name, _ in order)
        texts: dict[int, tuple[str, bool, Read | None, str]] = {}
        numbers: dict[int, tuple[str, bool, Callable[[int], Any]]] = {}
        for number, name, counts in order:
            plan = plans[number]
            if number > _LAST_SHORT_TAG:
                continue
            if plan.wire == BYTES and plan.read is not None:
                single_text = plan.read is _string and not plan.repeated
                texts[number << 3 | BYTES] = (name, counts, None if single_text else plan.read, plan.repeated)
            elif plan.wire == VARINT and not plan.repeated:
                numbers[number << 3 | VARINT] = (name, counts, plan.number)
        maps = tuple(plan.name for plan in plans.values() if plan.repeated == "map")
        always, zeros = self._zeros.names(message), self._zeros

        def in_order(data: bytes, start: int, end: int) -> Any:
            out: dict[str, Any] = {}
            at, last = start, 0
            while at < end - 1:
                tag, length = data[at], data[at + 1]
                at += 2
                if (text := texts.get(tag)) is not None:
                    name, counts, value_of, repeated = text
                    if length > 0x7F:
                        length, at = varint(data, at - 1, end)
                    stop = at + length
                    if stop > end or tag < last:
                        break
                    if value_of is None:
                        if tag == last:
                            break
                        if length or counts:
                            out[name] = data[at:stop].decode()
                    elif not repeated:
                        if tag == last:
                            break
                        value = value_of(data, at, stop)
                        if value or (counts and value is not None):
                            out[name] = value
                    elif repeated == "map":
                        key, value = value_of(data, at, stop)
                        if tag != last:
                            out[name] = {}
                        out[name][key] = value
                    else:
                        if tag != last:
                            out[name] = []
                        out[name].append(value_of(data, at, stop))
                    at = stop
                elif (number := numbers.get(tag)) is not None and tag > last and length < 0x80:
                    name, counts, number_of = number
                    value = number_of(length)
                    if value or counts:
                        out[name] = value
                else:
                    break
                last = tag
            else:
                if at == end:
                    for name in maps:
                        if name in out and len(out[name]) > 1:
                            out[name] = dict(sorted(out[name].items()))
                    if shuffled:
                        out = {name: out[name] for name in shuffled if name in out}
                    return out if always <= out.keys() else zeros.complete(message, out)
            return read(data, start, end)

        return in_order

    def _plan(self, field: Field) -> _Plan:
        kind, repeated = field.type, ""
        if kind.element is not None:
            repeated, kind = kind.kind, kind.element
        if repeated == "map":
            return _Plan(field.name, BYTES, self._entry(kind), int, repeated)
        wire = _WIRES.get(kind.kind, BYTES)
        return _Plan(field.name, wire, self._value(kind), _NUMBERS.get(kind.kind, int), repeated)

    def _value(self, kind: Type) -> Read | None:
        if kind.kind == "message":
            return self._reader(kind.message)
        return _READERS.get(kind.kind)

    def _entry(self, kind: Type) -> Read:
        """A map's entry as (key, value): 1 is the key, 2 the value; a list is a message of field 1."""
        inner = _strings if kind.kind == "list" else self._value(kind)
        if inner is None:
            raise ValueError(f"no map of {kind.go} is known")

        def read(data: bytes, start: int, end: int) -> Any:
            # As clients write it: a short key, and a value to the end.
            if end - start > 3 and data[start] == _KEY and (middle := start + 2 + data[start + 1]) < end - 1:
                at = middle + 2
                if data[middle] == _VALUE and data[start + 1] < 0x80 and data[middle + 1] == end - at < 0x80:
                    return _string(data, start + 2, middle), inner(data, at, end)
            key, value = "", inner(b"", 0, 0)
            for number, wire, at, stop in fields(data, start, end):
                if number in (1, 2) and wire != BYTES:
                    raise TypeMismatch(f"proto: wrong wireType = {wire} for a map's entry")
                if number == 1:
                    key = _string(data, at, stop)
                elif number == 2:
                    value = inner(data, at, stop)
            return key, value

        return read


def _ordered(
    values: dict[int, Any], order: list[tuple[int, str, bool]], plans: dict[int, _Plan]
) -> dict[str, Any]:
    """The fields in the order in which they are printed, without the zeros that are not."""
    out: dict[str, Any] = {}
    for number, name, zero_counts in order:
        if number not in values:
            continue
        value = values[number]
        if not name:
            out.update(value)
        elif value or (zero_counts and value is not None):
            if plans[number].repeated == "map" and len(value) > 1:
                value = dict(sorted(value.items()))
            out[name] = value
    return out


def _packed(data: bytes, at: int, end: int, plan: _Plan) -> list[Any]:
    """Numbers of a list that were sent as one field."""
    found = []
    while at < end:
        value, at = varint(data, at, end)
        found.append(plan.number(value))
    return found


def _go_name(name: str) -> str:
    if name == "metadata":
        return "ObjectMeta"  # which is embedded
    return name[:1].upper() + name[1:]


def _string(data: bytes, start: int, end: int) -> str:
    try:
        return data[start:end].decode()
    except UnicodeDecodeError:
        raise TypeMismatch("string field contains invalid UTF-8") from None


def _base64(data: bytes, start: int, end: int) -> str:
    return b2a_base64(data[start:end], newline=False).decode()


def _strings(data: bytes, start: int, end: int) -> list[str]:
    return [_string(data, at, stop) for number, _, at, stop in fields(data, start, end) if number == 1]


def _int64(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _int32(value: int) -> int:
    value &= 0xFFFF_FFFF
    return value - (1 << 32) if value >> 31 else value


def _time(data: bytes, start: int, end: int) -> str | None:
    return _moment(data, start, end, micros=False) if end > start else None


def _micro_time(data: bytes, start: int, end: int) -> str | None:
    return _moment(data, start, end, micros=True) if end > start else None


def _moment(data: bytes, start: int, end: int, *, micros: bool) -> str | None:
    parts = _Fields(data, start, end)
    seconds, nanos = _int64(parts.number(1)), _int32(parts.number(2))
    if not seconds and not nanos:
        return None
    try:
        moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000 if micros else 0)
    except OverflowError:
        raise TypeMismatch("Time.MarshalJSON: year outside of range [0,9999]") from None
    return scalars.print_micro_time(moment) if micros else scalars.print_time(moment)


def _quantity(data: bytes, start: int, end: int) -> str:
    text = _Fields(data, start, end).text(1)
    return scalars.quantity(_string(text, 0, len(text)) or "0")


def _int_or_string(data: bytes, start: int, end: int) -> int | str:
    parts = _Fields(data, start, end)
    if parts.number(1):
        text = parts.text(3)
        return _string(text, 0, len(text))
    return _int32(parts.number(2))


def _raw_json(data: bytes, start: int, end: int) -> Any:
    raw = _Fields(data, start, end).text(1)
    if not raw:
        return None
    try:
        value = json.decode(raw)
    except DecodeError as error:
        raise TypeMismatch(str(error)) from None
    if structs.too_deep(value):
        raise TypeMismatch("exceeded max depth")
    return value


_WIRES: Final = {"int32": VARINT, "int64": VARINT, "bool": VARINT, "double": FIXED64}
_NUMBERS: Final[dict[str, Callable[[int], Any]]] = {"int32": _int32, "int64": _int64, "bool": bool}
_READERS: Final[dict[str, Read]] = {
    "string": _string,
    "bytes": _base64,
    "Time": _time,
    "MicroTime": _micro_time,
    "Quantity": _quantity,
    "IntOrString": _int_or_string,
    "FieldsV1": _raw_json,
    "RawExtension": _raw_json,
}
