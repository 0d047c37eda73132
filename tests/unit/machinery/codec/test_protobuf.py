"""Protobuf bodies: what kubectl sends, the general protobuf library as oracle, and garbage."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.codec import protobuf, structs
from strongroom.machinery.codec.errors import DecodeError, TypeMismatch
from strongroom.machinery.codec.types import Type, TypeTable
from strongroom.testing import protobuf_bodies

LINES = {
    "t.v1.Thing": "1 name string; 2 meta Meta; 3 spec *Spec; 4 parts []Part; 5 on bool; 6 maybe *bool; "
    "200 far string",
    "t.v1.Meta": "1 labels map<string>; 2 created Time~; 3 seen *Time; 5 micro *MicroTime",
    "t.v1.Spec": "1 replicas *int32; 2 count int64; 4 ratio double; 5 port IntOrString; "
    "6 limits map<Quantity>; 7 data map<bytes>; 8 kind Kind=string!; 9 names []string; "
    "10 numbers []int64; 11 extra map<X=[]string>",
    "t.v1.Part": "1 name string!; 2 +source Source; 3 args []string!",
    "t.v1.Source": "1 secret *Ref; 2 blob bytes",
    "t.v1.Ref": "2 optional *bool; 1 name string",
}
TABLE = TypeTable(LINES)
DECODER = protobuf.Decoder(TABLE)
THOROUGH = protobuf.Decoder(TABLE, quick=False)
BODIES = protobuf_bodies.Bodies(TABLE)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=5),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "bool": st.booleans(),
    "bytes": st.sampled_from(["", "dg==", "AP8="]),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "Time": st.sampled_from(["2026-01-02T03:04:05Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"]),
    "MicroTime": st.sampled_from(["2026-01-02T03:04:05.000001Z", "1969-12-31T23:59:59.999999Z"]),
    "Quantity": st.sampled_from(["1", "1500m", "1Gi", "0"]),
    "IntOrString": st.integers(-(2**31), 2**31 - 1) | st.text(max_size=3),
}


def values(kind: Type) -> st.SearchStrategy[Any]:
    if kind.kind == "message":
        return objects(kind.message)
    if kind.kind == "list" and kind.element:
        return st.lists(values(kind.element), max_size=3)
    if kind.kind == "map" and kind.element:
        return st.dictionaries(st.text(max_size=3), values(kind.element), max_size=3)
    return VALUES[kind.kind]


def objects(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={f.name: values(f.type) for f in TABLE.json_fields(name)})


@given(objects("t.v1.Thing"))
def test_protobuf_and_json_give_the_same_object(obj: dict[str, Any]) -> None:
    from_json = structs.Structs(TABLE).decoder("t.v1.Thing")(obj, None, structs.Walk())
    from_protobuf = DECODER.decode("t.v1.Thing", BODIES.encode("t.v1.Thing", obj))
    assert from_protobuf == without_unsent(from_json)
    assert list(from_protobuf) == list(without_unsent(from_json))


def without_unsent(value: Any) -> Any:
    """Protobuf has no empty lists: what Go prints for JSON as `[]` is null there, or absent."""
    if isinstance(value, dict):
        lists = {"names": ..., "parts": ..., "args": None}
        seen = {key: lists.get(key, item) if item == [] else item for key, item in value.items()}
        return {key: without_unsent(item) for key, item in seen.items() if item is not ...}
    return [without_unsent(item) for item in value] if isinstance(value, list) else value


@given(st.binary(max_size=60))
def test_garbage_is_refused_or_read_never_more(raw: bytes) -> None:
    try:
        DECODER.decode("t.v1.Thing", raw)
    except TypeMismatch as error:
        assert str(error)
    try:
        protobuf.open_envelope(protobuf.MAGIC + raw)
    except DecodeError as error:
        assert str(error)


@given(objects("t.v1.Thing"), st.integers(0, 300))
def test_a_message_that_stops_too_soon_is_refused_or_shorter(obj: dict[str, Any], length: int) -> None:
    try:
        DECODER.decode("t.v1.Thing", BODIES.encode("t.v1.Thing", obj)[:length])
    except TypeMismatch as error:
        assert str(error)


def outcome(decoder: protobuf.Decoder, raw: bytes) -> str:
    try:
        return repr(decoder.decode("t.v1.Thing", raw))  # dicts with their order
    except TypeMismatch as error:
        return str(error)


@given(objects("t.v1.Thing"), objects("t.v1.Thing"), st.randoms(), st.integers(0, 5))
def test_the_quick_way_comes_to_what_the_thorough_way_comes_to(
    obj: dict[str, Any], other: dict[str, Any], random: Random, faults: int
) -> None:
    raw = bytearray(BODIES.encode("t.v1.Thing", obj))
    if random.random() < 0.3:
        raw += BODIES.encode("t.v1.Thing", other)
    for _ in range(faults if raw else 0):
        at = random.randrange(len(raw))
        if random.random() < 0.5:
            raw[at] = random.choice((*range(32), 0x80, 0xFF))
        else:
            del raw[at]
            if not raw:
                break
    assert outcome(DECODER, bytes(raw)) == outcome(THOROUGH, bytes(raw))


@given(st.binary(max_size=40), st.binary(max_size=200), st.integers(0, 3), st.booleans())
def test_usual_envelopes_are_read_as_others(head: bytes, raw: bytes, faults: int, unusual: bool) -> None:
    names = b"\x0a\x02v1\x12\x06Secret" if faults else head
    length = bytes([len(raw)]) if len(raw) < 0x80 else bytes([len(raw) & 0x7F | 0x80, 1])
    body = protobuf.MAGIC + b"\x0a" + bytes([len(names)]) + names + b"\x12" + length + raw
    expected = told_of(body)  # without the end that all clients write
    usual = body + b'\x1a\x00"\x00'
    for _ in range(2):
        assert told_of(usual) == expected
    if unusual:  # the last type counts
        assert told_of(usual + b"\x0a\x04\x0a\x02v2") == told_of(body + b"\x0a\x04\x0a\x02v2")


def told_of(body: bytes) -> object:
    try:
        return protobuf.open_envelope(body)
    except DecodeError as error:
        return str(error)


def test_unknown_fields_of_every_wire_type_are_skipped() -> None:
    unknown = b"\x98\x06\x96\x01" + b"\x91\x06" + bytes(8) + b"\x9a\x06\x03abc" + b"\x95\x06" + bytes(4)
    assert DECODER.decode("t.v1.Thing", unknown + b"\x0a\x01x") == {"name": "x", "meta": {}}


def test_numbers_of_a_list_may_come_as_one_field_or_one_by_one() -> None:
    minus_one = b"\xff" * 9 + b"\x01"
    numbers = b"\x52\x0d\x07\xac\x02" + minus_one + b"\x50\x05" + b"\x52\x00"
    spec = b"\x1a" + bytes([len(numbers)]) + numbers
    assert DECODER.decode("t.v1.Thing", spec)["spec"]["numbers"] == [7, 300, -1, 5]


def test_the_last_of_a_single_field_counts_and_maps_are_sorted() -> None:
    labels = b"\x0a\x06\x0a\x01b\x12\x01x\x0a\x06\x0a\x01a\x12\x01y"
    raw = b"\x0a\x01p\x0a\x01q" + b"\x12" + bytes([len(labels)]) + labels
    decoded = DECODER.decode("t.v1.Thing", raw)
    assert decoded == {"name": "q", "meta": {"labels": {"a": "y", "b": "x"}}}
    assert list(decoded["meta"]["labels"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\x0a\x05ab", "unexpected EOF"),
        (b"\x0a", "unexpected EOF"),
        (b"\x28\xff", "unexpected EOF"),
        (b"\x28" + b"\xff" * 11 + b"\x01", "proto: integer overflow"),
        (b"\x08\x01", "proto: wrong wireType = 0 for field Name"),
        (b"\x2a\x01x", "proto: wrong wireType = 2 for field On"),
        (b"\x0b", "proto: wrong wireType = 3 for field Name"),
        (b"\x7b", "proto: illegal wireType 3"),
        (b"\x7e", "proto: illegal wireType 6"),
        (b"\x0c", "proto: Thing: wiretype end group for non-group"),
        (b"\x02\x00", "proto: Thing: illegal tag 0 (wire type 2)"),
        (b"\x0a" + b"\xff" * 9 + b"\x01", "proto: negative length found during unmarshaling"),
        (b"\x0a\x01\xff", "string field contains invalid UTF-8"),
        (b"\x12\x0d\x12\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x10", "unexpected EOF"),
        (
            b"\x12\x0c\x12\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            "Time.MarshalJSON: year outside of range [0,9999]",
        ),
    ],
)
def test_why_a_message_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(TypeMismatch) as caught:
        DECODER.decode("t.v1.Thing", raw)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty data"),
        (b"k8s\0", "empty body"),
        (
            b'{"kind":',
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
        ),
        (b"k8s\0\x0a\xff", "unexpected EOF"),
        (b"k8s\0\x0a\x04\x0a\x02\xff\xff", "string field contains invalid UTF-8"),
        (b"k8s\0\x08\x01", "proto: wrong wireType = 0 for field TypeMeta"),
        (b"k8s\0\x0a\x02\x08\x01", "proto: wrong wireType = 0 for field APIVersion"),
        (b"k8s\0\x0e", "proto: wrong wireType = 6 for field TypeMeta"),
        (b"k8s\0\0\0", "proto: Unknown: illegal tag 0 (wire type 0)"),
        (b"k8s\0\x0a\x02\0\0", "proto: TypeMeta: illegal tag 0 (wire type 0)"),
    ],
)
def test_why_an_envelope_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(DecodeError) as caught:
        protobuf.open_envelope(body)
    assert str(caught.value) == why


def test_an_envelope_names_the_kind() -> None:
    body = bytes.fromhex("6b3873000a0c0a0276311206536563726574") + b"\x12\x03abc\x1a\x00\x22\x00"
    assert protobuf.open_envelope(body) == protobuf.Envelope("v1", "Secret", b"abc")
