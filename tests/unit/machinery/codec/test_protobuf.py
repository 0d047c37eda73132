"""Protobuf bodies: what kubectl sends, the general protobuf library as oracle, and garbage."""

from base64 import b64decode
from datetime import datetime
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.codec import protobuf, structs
from strongroom.machinery.codec.errors import DecodeError, TypeMismatch
from strongroom.machinery.codec.types import Field, Type, TypeTable

LINES = {
    "t.v1.Thing": "1 name string; 2 meta Meta; 3 spec *Spec; 4 parts []Part; 5 on bool; 6 maybe *bool; "
    "200 far string",
    "t.v1.Meta": "1 labels map<string>; 2 created Time~; 3 seen *Time; 5 micro *MicroTime",
    "t.v1.Spec": "1 replicas *int32; 2 count int64; 4 ratio double; 5 port IntOrString; "
    "6 limits map<Quantity>; 7 data map<bytes>; 8 kind Kind=string!; 9 names []string; "
    "10 numbers []int64; 11 extra map<X=[]string>",
    "t.v1.Part": "1 name string!; 2 +source Source; 3 args []string!",
    "t.v1.Source": "1 secret *Ref; 2 blob bytes",
    "t.v1.Ref": "1 name string; 2 optional *bool",
}
BEHIND = {
    "t.v1.Time": "1 seconds int64; 2 nanos int32",
    "t.v1.Quantity": "1 string string",
    "t.v1.IntOrString": "1 type int64; 2 intVal int32; 3 strVal string",
    "t.v1.Strings": "1 items []string",
}
TABLE = TypeTable(LINES)
DECODER = protobuf.Decoder(TABLE)
NAMES = {"Time": "Time", "MicroTime": "Time", "Quantity": "Quantity", "IntOrString": "IntOrString"}
Proto = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": Proto.TYPE_STRING,
    "int32": Proto.TYPE_INT32,
    "int64": Proto.TYPE_INT64,
    "bool": Proto.TYPE_BOOL,
    "bytes": Proto.TYPE_BYTES,
    "double": Proto.TYPE_DOUBLE,
}


def _type(field: Any, kind: Type) -> None:
    if kind.kind in SCALARS:
        field.type = SCALARS[kind.kind]
    else:
        name = kind.message.rsplit(".", 1)[-1] if kind.message else NAMES.get(kind.kind, "Strings")
        field.type, field.type_name = Proto.TYPE_MESSAGE, f".k8s.{name}"


def _pool() -> descriptor_pool.DescriptorPool:
    """The messages of the table as proto2, which is how Kubernetes publishes them."""
    file = descriptor_pb2.FileDescriptorProto(name="k8s.proto", package="k8s", syntax="proto2")
    types = TypeTable(LINES | BEHIND)
    for message in types.messages():
        described = file.message_type.add(name=message.rsplit(".", 1)[1])
        for field in types.fields(message):
            added = described.field.add(
                name=f"f{field.number}", number=field.number, label=Proto.LABEL_OPTIONAL
            )
            kind = field.type
            if kind.element:
                added.label = Proto.LABEL_REPEATED
            if kind.kind == "map" and kind.element:
                entry = described.nested_type.add(name=f"F{field.number}Entry")
                entry.options.map_entry = True
                entry.field.add(name="key", number=1, label=Proto.LABEL_OPTIONAL, type=Proto.TYPE_STRING)
                _type(entry.field.add(name="value", number=2, label=Proto.LABEL_OPTIONAL), kind.element)
                added.type, added.type_name = Proto.TYPE_MESSAGE, f".k8s.{described.name}.{entry.name}"
            else:
                _type(added, kind.element or kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


POOL = _pool()


def message(name: str) -> Any:
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"k8s.{name}"))()


def fill(target: Any, fields: tuple[Field, ...], obj: dict[str, Any]) -> None:
    """Sets in a message of the library what the JSON object holds."""
    for field in fields:
        name = f"f{field.number}"
        if field.embedded:
            inner = TABLE.fields(field.type.message)
            if any(f.name in obj for f in inner):
                fill(getattr(target, name), inner, obj)
        elif field.name in obj:
            put(target, name, field.type, obj[field.name])


def put(target: Any, name: str, kind: Type, value: Any) -> None:
    if kind.kind == "list" and kind.element:
        for item in value:
            if kind.element.kind == "message":
                fill(getattr(target, name).add(), TABLE.fields(kind.element.message), item)
            else:
                getattr(target, name).append(item)
    elif kind.kind == "map" and kind.element:
        for key, item in value.items():
            if kind.element.kind in SCALARS:
                getattr(target, name)[key] = b64decode(item) if kind.element.kind == "bytes" else item
            elif kind.element.kind == "list":
                getattr(target, name)[key].f1.extend(item)
            else:
                well_known(getattr(target, name)[key], kind.element, item)
    elif kind.kind == "message":
        getattr(target, name).SetInParent()
        fill(getattr(target, name), TABLE.fields(kind.message), value)
    elif kind.kind in SCALARS:
        setattr(target, name, b64decode(value) if kind.kind == "bytes" else value)
    else:
        well_known(getattr(target, name), kind, value)


def well_known(target: Any, kind: Type, value: Any) -> None:
    target.SetInParent()
    if kind.kind == "Quantity":
        target.f1 = value
    elif kind.kind == "IntOrString":
        target.f1 = int(isinstance(value, str))
        if isinstance(value, str):
            target.f3 = value
        else:
            target.f2 = value
    else:
        moment = datetime.fromisoformat(value)
        target.f1, target.f2 = int(moment.timestamp() // 1), moment.microsecond * 1000


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
    sent = message("Thing")
    fill(sent, TABLE.fields("t.v1.Thing"), obj)
    from_json = structs.Structs(TABLE).decoder("t.v1.Thing")(obj, None, structs.Walk())
    from_protobuf = DECODER.decode("t.v1.Thing", sent.SerializeToString())
    assert from_protobuf == without_unsent(from_json)
    assert list(from_protobuf) == list(without_unsent(from_json))


def without_unsent(value: Any) -> Any:
    """Protobuf has no empty lists: those that Go prints for JSON are absent."""
    if isinstance(value, dict):
        return {key: without_unsent(item) for key, item in value.items() if item != []} | {
            key: item for key, item in value.items() if item == [] and key not in ("args", "names", "parts")
        }
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
    sent = message("Thing")
    fill(sent, TABLE.fields("t.v1.Thing"), obj)
    try:
        DECODER.decode("t.v1.Thing", sent.SerializeToString()[:length])
    except TypeMismatch as error:
        assert str(error)


def test_unknown_fields_of_every_wire_type_are_skipped() -> None:
    unknown = b"\x98\x06\x96\x01" + b"\x91\x06" + bytes(8) + b"\x9a\x06\x03abc" + b"\x95\x06" + bytes(4)
    assert DECODER.decode("t.v1.Thing", unknown + b"\x0a\x01x") == {"name": "x"}


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
        (b"\x0b", "proto: illegal wireType 3"),
        (b"\x02\x00", "proto: illegal tag 0 (wire type 2)"),
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
        (b"k8s\0\x08\x01", "proto: wrong wireType = 0 for field 1"),
    ],
)
def test_why_an_envelope_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(DecodeError) as caught:
        protobuf.open_envelope(body)
    assert str(caught.value) == why


def test_an_envelope_names_the_kind() -> None:
    body = bytes.fromhex("6b3873000a0c0a0276311206536563726574") + b"\x12\x03abc\x1a\x00\x22\x00"
    assert protobuf.open_envelope(body) == protobuf.Envelope("v1", "Secret", b"abc")
