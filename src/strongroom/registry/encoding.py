"""Objects as bytes: the one canonical form, encoded once per write."""

import os
from typing import Any, NamedTuple

import orjson

from strongroom.machinery.gvk import Object

_METADATA = b'"metadata":{'
_VARIANT = "89ab"


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


class _Random:
    """Random bytes from the operating system, fetched many at once.

    A call to it gives up the interpreter's lock, and gets it back only in turn."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0

    def hex(self) -> str:
        """16 of them."""
        start = self._at
        if start == len(self._bytes):
            self._bytes, start = os.urandom(4096), 0
        self._at = start + 16
        return self._bytes[start : start + 16].hex()


_random = _Random()


def new_uid() -> str:
    """A random UUID (version 4)."""
    h = _random.hex()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{_VARIANT[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"
