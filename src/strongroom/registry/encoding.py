"""Objects as bytes: the one canonical form, encoded once per write."""

import os
import struct
from typing import Any, Final, NamedTuple

import orjson

from strongroom.machinery.gvk import Object

_METADATA = b'"metadata":{'


class Document(NamedTuple):
    """An object with its encoding: `body` is compact JSON with `resourceVersion` (none after a dry run)."""

    body: bytes
    obj: Object


def encode(obj: Object) -> bytes:
    """The bytes to store: kind, apiVersion, metadata, then the rest; without resourceVersion.

    `obj` is left as it is."""
    metadata = obj["metadata"]
    if "resourceVersion" in metadata:
        metadata = {key: value for key, value in metadata.items() if key != "resourceVersion"}
    # The literal fixes the order of the first three; what follows keeps its own.
    ordered = {"kind": obj["kind"], "apiVersion": obj["apiVersion"], "metadata": None, **obj}
    ordered["metadata"] = metadata
    return orjson.dumps(ordered)


def head(api_version: str, kind: str) -> bytes:
    """How the encoding of every object of a kind begins: up to its metadata."""
    return orjson.dumps({"kind": kind, "apiVersion": api_version})[:-1] + b","


def with_revision(data: bytes, head_length: int, revision: int) -> bytes:
    """Stored bytes with their `resourceVersion` spliced in as the first field of the metadata."""
    rest = data[head_length + len(_METADATA) :]
    return b'%b%b"resourceVersion":"%d",%b' % (data[:head_length], _METADATA, revision, rest)


def same(new: Object, old: Object) -> bool:
    """Whether a write would change nothing. Types count: 1, 1.0 and true differ."""
    return new == old and _sorted(new) == _sorted(old)


def _sorted(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def copy(obj: Object) -> Object:
    """A copy that shares nothing that can change."""
    duplicate: Object = orjson.loads(orjson.dumps(obj))
    return duplicate


_UID_PARTS: Final = struct.Struct("8s4sx3sc3s12s")
"""Of the hex digits of 16 bytes; the version stands for the digit that is left out."""
_VARIANTS: Final = {b"%x" % digit: b"89ab"[digit & 3 : (digit & 3) + 1] for digit in range(16)}
_UIDS_AT_ONCE: Final = 64
_uids: list[str] = []
"""Made, and not yet given. A call to the operating system gives up the interpreter's lock, and gets it back
only in turn."""


def new_uid() -> str:
    """A random UUID (version 4)."""
    if not _uids:
        digits = os.urandom(16 * _UIDS_AT_ONCE).hex().encode()
        _uids.extend(
            (b"%b-%b-4%b-%b%b-%b" % (a, b, c, _VARIANTS[d], e, f)).decode()
            for a, b, c, d, e, f in _UID_PARTS.iter_unpack(digits)
        )
    return _uids.pop()
