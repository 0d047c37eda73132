"""The message inside a KMS v2 value: `v2.EncryptedObject` of Kubernetes' KMS storage format (KEP-3299).

The field numbers are the format; the names are upstream's.
"""

import re
from typing import Any, Final, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

AES_GCM_KEY: Final = 0
"""The encrypted DEK source is the data key itself (written before Kubernetes 1.29)."""

HKDF_SHA256_XNONCE_AES_GCM_SEED: Final = 1
"""It is a seed; each value has a data key of its own, derived from it."""

KEY_ID_LIMIT: Final = 1024
DEK_SOURCE_LIMIT: Final = 1024
ANNOTATIONS_LIMIT: Final = 32 * 1024

_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+")


class EncryptedObject(NamedTuple):
    """A sealed value and what is needed to open it, except the key-encryption key."""

    data: bytes
    key_id: str
    dek_source: bytes
    dek_source_type: int


def _message_class() -> Any:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="strongroom/encrypted_object.proto", package="v2", syntax="proto3"
    )
    kind = file.message_type.add(name="EncryptedObject")
    entry = kind.nested_type.add(name="AnnotationsEntry")
    entry.options.map_entry = True
    source_type = file.enum_type.add(name="EncryptedDEKSourceType")
    source_type.value.add(name="AES_GCM_KEY", number=AES_GCM_KEY)
    source_type.value.add(name="HKDF_SHA256_XNONCE_AES_GCM_SEED", number=HKDF_SHA256_XNONCE_AES_GCM_SEED)
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


_Message: Final = _message_class()


def encode(sealed: EncryptedObject) -> bytes:
    """The message's bytes, fields in the order of their numbers."""
    encoded: bytes = _Message(
        encryptedData=sealed.data,
        keyID=sealed.key_id,
        encryptedDEKSource=sealed.dek_source,
        encryptedDEKSourceType=sealed.dek_source_type,
    ).SerializeToString()
    return encoded


def decode(encoded: bytes) -> EncryptedObject:
    """The message. Raises ValueError, with a reason that quotes nothing of it, when it breaks the format."""
    try:
        found = _Message.FromString(encoded)
    except message.DecodeError:
        raise ValueError("the stored data is not an EncryptedObject") from None
    key_id: str = found.keyID
    dek_source: bytes = found.encryptedDEKSource
    if not key_id or len(key_id.encode()) > KEY_ID_LIMIT:
        raise ValueError(f"the key id must have 1 to {KEY_ID_LIMIT} bytes")
    if not dek_source or len(dek_source) > DEK_SOURCE_LIMIT:
        raise ValueError(f"the encrypted DEK source must have 1 to {DEK_SOURCE_LIMIT} bytes")
    if found.annotations:
        _check_annotations(found.annotations)
    return EncryptedObject(found.encryptedData, key_id, dek_source, found.encryptedDEKSourceType)


def _check_annotations(annotations: Any) -> None:
    if sum(len(key) + len(value) for key, value in annotations.items()) > ANNOTATIONS_LIMIT:
        raise ValueError(f"the annotations must not exceed {ANNOTATIONS_LIMIT} bytes")
    if not all(_DOMAIN.fullmatch(key) for key in annotations):
        raise ValueError("the keys of annotations must be fully qualified domain names")


_DATA_TAG: Final = 0x0A
"""Field 1, length-delimited."""


def data_header(length: int) -> bytes:
    """What stands before `length` bytes of data at the start of a message: tag and length."""
    header = bytearray((_DATA_TAG,))
    while length > 0x7F:
        header.append(length & 0x7F | 0x80)
        length >>= 7
    header.append(length)
    return bytes(header)


def data_span(encoded: bytes, start: int) -> tuple[int, int]:
    """Where the data is in a message that begins at `start` and with it; (start, start) if it does not."""
    position = start
    if encoded[position : position + 1] != b"\n":
        return start, start
    length = shift = 0
    for byte in encoded[position + 1 : position + 6]:
        position += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            first = position + 1
            return (first, first + length) if first + length <= len(encoded) else (start, start)
    return start, start
