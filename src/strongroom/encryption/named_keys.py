"""Providers whose keys have names: aesgcm, aescbc and secretbox. Each value's prefix names its key.

`k8s:enc:‹provider›:v1:‹key›:`. The first key writes, all of them read; what another than the first one
wrote is stale.
"""

from collections.abc import Mapping
from typing import Protocol

from strongroom.encryption.transformer import Opened, TransformError, WrongKey

TOO_SHORT = "the stored data was shorter than the required size"


class Cipher(Protocol):
    """One key. Thread-safe."""

    def seal(self, data: bytes, context: bytes) -> bytes: ...

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Raises TransformError."""
        ...


class NamedKeys:
    """A provider of an EncryptionConfiguration. `ciphers`: key name -> cipher, at least one."""

    def __init__(self, provider: str, ciphers: Mapping[str, Cipher], missing: str) -> None:
        """`missing`: the error of a value whose key is not among these."""
        self.prefix = f"k8s:enc:{provider}:v1:".encode()
        self._ciphers = tuple(
            (self.prefix + name.encode() + b":", cipher) for name, cipher in ciphers.items()
        )
        self._missing = missing
        self._writing = self._ciphers[0]

    def __repr__(self) -> str:
        return f"NamedKeys({', '.join(prefix.decode() for prefix, _ in self._ciphers)})"

    def to_storage(self, data: bytes, context: bytes) -> bytes:
        prefix, cipher = self._writing
        return prefix + cipher.seal(data, context)

    def from_storage(self, stored: bytes, context: bytes) -> Opened:
        problem: TransformError | None = None
        for prefix, cipher in self._ciphers:
            if not stored.startswith(prefix):
                continue
            try:
                opened = cipher.open(stored[len(prefix) :], context)
            except TransformError as error:
                problem = problem or error
                continue
            return Opened(opened, prefix is not self._writing[0])
        raise problem or WrongKey(self._missing)
