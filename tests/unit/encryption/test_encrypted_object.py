"""The message of KMS v2 values."""

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from strongroom.encryption import encrypted_object
from strongroom.encryption.encrypted_object import EncryptedObject


def _message_class() -> Any:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="strongroom/encrypted_object.proto", package="v2", syntax="proto3"
    )
    kind = file.message_type.add(name="EncryptedObject")
    entry = kind.nested_type.add(name="AnnotationsEntry")
    entry.options.map_entry = True
    source_type = file.enum_type.add(name="EncryptedDEKSourceType")
    source_type.value.add(name="AES_GCM_KEY", number=0)
    source_type.value.add(name="HKDF_SHA256_XNONCE_AES_GCM_SEED", number=1)
    one = field.LABEL_OPTIONAL
    entry.field.add(name="key", number=1, type=field.TYPE_STRING, label=one)
    entry.field.add(name="value", number=2, type=field.TYPE_BYTES, label=one)
    kind.field.add(name="encryptedData", number=1, type=field.TYPE_BYTES, label=one)
    kind.field.add(name="keyID", number=2, type=field.TYPE_STRING, label=one)
    kind.field.add(name="encryptedDEKSource", number=3, type=field.TYPE_BYTES, label=one)
    kind.field.add(
        name="annotations",
        number=4,
        type=field.TYPE_MESSAGE,
        type_name=".v2.EncryptedObject.AnnotationsEntry",
        label=field.LABEL_REPEATED,
    )
    kind.field.add(
        name="encryptedDEKSourceType",
        number=5,
        type=field.TYPE_ENUM,
        type_name=".v2.EncryptedDEKSourceType",
        label=one,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("v2.EncryptedObject"))


_Message = _message_class()
SEALED = EncryptedObject(b"\x01\x02", "id", b"\x03", 1)


def test_field_numbers_are_upstreams() -> None:
    assert encrypted_object.encode(SEALED) == b"\x0a\x02\x01\x02\x12\x02id\x1a\x01\x03\x28\x01"


@given(st.binary(max_size=300), st.text(min_size=1, max_size=50), st.binary(min_size=1), st.integers(0, 1))
def test_decode_is_the_inverse_of_encode(data: bytes, key_id: str, source: bytes, kind: int) -> None:
    sealed = EncryptedObject(data, key_id, source, kind)
    assert encrypted_object.decode(encrypted_object.encode(sealed)) == sealed


@given(st.binary(max_size=70_000))
def test_header_and_span_frame_the_data(data: bytes) -> None:
    header = encrypted_object.data_header(len(data))
    trailer = encrypted_object.encode(EncryptedObject(b"", "id", b"\x03", 1))
    message = b"prefix:" + header + data + trailer
    start, end = encrypted_object.data_span(message, 7)
    assert (message[start:end], message[end:]) == (data, trailer)
    assert encrypted_object.decode(message[7:]) == EncryptedObject(data, "id", b"\x03", 1)


@pytest.mark.parametrize("message", [b"", b"\n", b"\n\xff", b"\x12\x01a", b"\n\x05abcd", b"\n" + b"\xff" * 9])
def test_span_of_a_message_without_data_in_front_is_empty(message: bytes) -> None:
    assert encrypted_object.data_span(message, 0) == (0, 0)


@pytest.mark.parametrize(
    ("sealed", "reason"),
    [
        (SEALED._replace(key_id=""), "key id"),
        (SEALED._replace(key_id="x" * 1025), "key id"),
        (SEALED._replace(dek_source=b""), "encrypted DEK source"),
        (SEALED._replace(dek_source=b"x" * 1025), "encrypted DEK source"),
    ],
)
def test_message_that_breaks_a_rule_is_refused(sealed: EncryptedObject, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encrypted_object.decode(encrypted_object.encode(sealed))


def annotation(key: bytes, value: bytes) -> bytes:
    entry = (
        b"\x0a" + bytes((len(key),)) + key + b"\x12" + encrypted_object.data_header(len(value))[1:] + value
    )
    return b"\x22" + encrypted_object.data_header(len(entry))[1:] + entry


def test_annotations_are_checked() -> None:
    message = encrypted_object.encode(SEALED)
    told = (("kms.example.com", b"v"),)
    annotated = SEALED._replace(annotations=told)
    assert encrypted_object.decode(message + annotation(b"kms.example.com", b"v")) == annotated
    assert encrypted_object.decode(encrypted_object.encode(annotated)) == annotated
    with pytest.raises(ValueError, match="fully qualified"):
        encrypted_object.decode(message + annotation(b"short", b"v"))
    with pytest.raises(ValueError, match="exceed"):
        encrypted_object.decode(message + annotation(b"kms.example.com", bytes(32 * 1024)))


def test_error_quotes_nothing_of_the_message() -> None:
    with pytest.raises(ValueError, match="not an EncryptedObject") as refused:
        encrypted_object.decode(b"\x0a\x7fcanary")
    assert "canary" not in str(refused.value)
    assert refused.value.__suppress_context__


@given(st.binary(max_size=300), st.text(min_size=1, max_size=50), st.binary(min_size=1), st.integers(0, 1))
def test_the_protobuf_library_reads_and_writes_the_same(
    data: bytes, key_id: str, source: bytes, kind: int
) -> None:
    library = _Message(
        encryptedData=data,
        keyID=key_id,
        encryptedDEKSource=source,
        encryptedDEKSourceType=kind,
        annotations={"kms.example.com": b"v"},
    )
    sealed = EncryptedObject(data, key_id, source, kind, (("kms.example.com", b"v"),))
    assert encrypted_object.decode(library.SerializeToString()) == sealed
    assert encrypted_object.encode(sealed) == library.SerializeToString()
    library.ClearField("annotations")
    assert encrypted_object.encode(sealed._replace(annotations=())) == library.SerializeToString()


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_value_error(encoded: bytes) -> None:
    try:
        encrypted_object.decode(encoded)
    except ValueError as error:
        assert type(error) is ValueError
