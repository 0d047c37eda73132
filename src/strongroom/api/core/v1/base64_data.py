"""Maps of base64 values (`Secret.data`, `ConfigMap.binaryData`) as Go's decoder reads and writes them."""

import binascii
from typing import Any

from strongroom.machinery import status
from strongroom.machinery.gvk import Resource

_PADDING = ord("=")
_ALPHABET = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
# Last characters before the padding whose unused bits are zero.
_LAST_OF_ONE = frozenset("AQgw")
_LAST_OF_TWO = frozenset("AEIMQUYcgkosw048")


def encode(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def decode(value: str) -> bytes:
    """The bytes of a value that `normalize` let pass."""
    return binascii.a2b_base64(value)


def size(value: str) -> int:
    """Decoded length of a canonical value."""
    if value[-1:] != "=":
        return len(value) // 4 * 3
    return len(value) // 4 * 3 - (2 if value[-2] == "=" else 1)


def is_canonical(value: str) -> bool:
    """Whether `normalize` leaves a value as it is."""
    try:
        # Whatever is passed over in decoding is missing from what is encoded again.
        return binascii.b2a_base64(binascii.a2b_base64(value), newline=False) == value.encode()
    except ValueError:
        return False


def normalize(data: dict[str, Any], resource: Resource) -> None:
    """Brings every value of `data` to canonical base64; null becomes "".

    Raises StatusError 400 for the first value that Go could not decode."""
    for key, value in data.items():
        if not value:
            data[key] = ""
            continue
        try:
            # Python lets padding pass after a whole group.
            excess = len(value) % 4 or value.endswith("===")
            binascii.a2b_base64("!" if excess else value, strict_mode=True)
        except ValueError:
            data[key] = _lenient(value, resource)
            continue
        if value[-1] == "=" and (
            value[-3] not in _LAST_OF_ONE if value[-2] == "=" else value[-2] not in _LAST_OF_TWO
        ):
            data[key] = encode(decode(value))


def _lenient(value: str, resource: Resource) -> str:
    offset = corrupt_at(value.encode())
    if offset is not None:
        raise status.bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f"illegal base64 data at input byte {offset}"
        )
    return encode(decode(value.replace("\n", "").replace("\r", "")))


def corrupt_at(text: bytes) -> int | None:
    """Where Go's `base64.StdEncoding` gives up on `text`, or None. Line breaks are skipped, as there."""
    at = filled = 0
    while at < len(text):
        byte = text[at]
        if byte in b"\r\n":
            at += 1
        elif byte in _ALPHABET:
            filled = (filled + 1) % 4
            at += 1
        elif byte != _PADDING or filled < 2:
            return at
        else:
            return _padding_corrupt_at(text, at + 1, filled)
    return at - filled if filled else None


def _padding_corrupt_at(text: bytes, at: int, filled: int) -> int | None:
    at = _skip_breaks(text, at)
    if filled == 2:
        if at == len(text):
            return at
        if text[at] != _PADDING:
            return at - 1
        at = _skip_breaks(text, at + 1)
    return at if at < len(text) else None


def _skip_breaks(text: bytes, at: int) -> int:
    while at < len(text) and text[at] in b"\r\n":
        at += 1
    return at
