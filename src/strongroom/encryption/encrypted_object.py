"""The message inside a KMS v2 value: `v2.EncryptedObject` of Kubernetes' KMS storage format (KEP-3299).

The field numbers are the format; the names are upstream's.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from strongroom.machinery.codec import protobuf
from strongroom.machinery.codec.errors import TypeMismatch

AES_GCM_KEY: Final = 0
"""The encrypted DEK source is the data key itself (written before Kubernetes 1.29)."""

HKDF_SHA256_XNONCE_AES_GCM_SEED: Final = 1
"""It is a seed; data keys are derived from it."""

KEY_ID_LIMIT: Final = 1024
DEK_SOURCE_LIMIT: Final = 1024
ANNOTATIONS_LIMIT: Final = 32 * 1024

_ANNOTATIONS: Final = 4
_DEK_SOURCE_TYPE: Final = 5
"""Field numbers; 1 to 3 are data, key id and encrypted DEK source."""

_DATA_TAG: Final = 0x0A
"""Field 1, length-delimited."""

_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+")


class EncryptedObject(NamedTuple):
    """A sealed value and what is needed to open it, except the key-encryption key."""

    data: bytes
    key_id: str
    dek_source: bytes
    dek_source_type: int
    annotations: tuple[tuple[str, bytes], ...] = ()
    """What a KMS plugin wants back when it is to open the DEK source, by key."""


_NOT_ONE: Final = "the stored data is not an EncryptedObject"


def encode(sealed: EncryptedObject) -> bytes:
    """The message's bytes, fields in the order of their numbers, empty ones left out."""
    parts = (sealed.data, sealed.key_id.encode(), sealed.dek_source)
    encoded = b"".join(_tagged(number, part) for number, part in enumerate(parts, 1) if part)
    for key, value in sealed.annotations:
        encoded += _tagged(_ANNOTATIONS, _tagged(1, key.encode()) + _tagged(2, value))
    return encoded + (b"\x28" + bytes((sealed.dek_source_type,)) if sealed.dek_source_type else b"")


def decode(encoded: bytes) -> EncryptedObject:
    """The message. Raises ValueError, with a reason that quotes nothing of it, when it breaks the format."""
    parts = {1: b"", 2: b"", 3: b""}
    annotations: dict[str, bytes] = {}
    dek_source_type = 0
    try:
        for number, wire, start, end in protobuf.fields(encoded, 0, len(encoded)):
            if number in parts and wire == protobuf.BYTES:
                parts[number] = encoded[start:end]
            elif number == _ANNOTATIONS and wire == protobuf.BYTES:
                annotations.update((_annotation(encoded, start, end),))
            elif number == _DEK_SOURCE_TYPE and wire == protobuf.VARINT:
                dek_source_type = protobuf.varint(encoded, start, end)[0]
        key_id = parts[2].decode()
    except (TypeMismatch, UnicodeDecodeError):
        raise ValueError(_NOT_ONE) from None
    if not key_id or len(parts[2]) > KEY_ID_LIMIT:
        raise ValueError(f"the key id must have 1 to {KEY_ID_LIMIT} bytes")
    if not parts[3] or len(parts[3]) > DEK_SOURCE_LIMIT:
        raise ValueError(f"the encrypted DEK source must have 1 to {DEK_SOURCE_LIMIT} bytes")
    if annotations:
        check_annotations(annotations)
    return EncryptedObject(parts[1], key_id, parts[3], dek_source_type, tuple(sorted(annotations.items())))


def _annotation(encoded: bytes, start: int, end: int) -> tuple[str, bytes]:
    """An entry of a protobuf map: 1 key, 2 value."""
    parts = {1: b"", 2: b""}
    for number, wire, begin, stop in protobuf.fields(encoded, start, end):
        if number in parts and wire == protobuf.BYTES:
            parts[number] = encoded[begin:stop]
    return parts[1].decode(), parts[2]


def check_annotations(annotations: Mapping[str, bytes]) -> None:
    """Raises ValueError when the format does not allow them."""
    if sum(len(key) + len(value) for key, value in annotations.items()) > ANNOTATIONS_LIMIT:
        raise ValueError(f"the annotations must not exceed {ANNOTATIONS_LIMIT} bytes")
    if not all(_DOMAIN.fullmatch(key) for key in annotations):
        raise ValueError("the keys of annotations must be fully qualified domain names")


def key_id_field(key_id: str) -> bytes:
    """How a message names its key."""
    return _tagged(2, key_id.encode())


def _tagged(number: int, value: bytes) -> bytes:
    return bytes((number << 3 | protobuf.BYTES,)) + data_header(len(value))[1:] + value


@lru_cache(maxsize=1024)
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
