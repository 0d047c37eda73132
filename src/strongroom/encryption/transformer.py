"""The protocol between the store and encryption at rest."""

from typing import NamedTuple, Protocol


class Opened(NamedTuple):
    """`stale`: true when the value was not written by the provider and key that write now."""

    data: bytes
    stale: bool


class TransformError(Exception):
    """A value that does not open. The text is the reason, never the value; the store adds the key path."""


class WrongKey(TransformError):
    """The key that is named is not at hand, or is another one by the same name: no value under it opens."""


class Transformer(Protocol):
    """Turns an object's bytes into stored bytes and back, bound to the key it is stored under.

    Thread-safe, no I/O per call. `context` is the full store key (associated data): a ciphertext moved to
    another key does not open.
    """

    def to_storage(self, data: bytes, context: bytes) -> bytes:
        """The bytes to store. Raises TransformError when no key can be had to encrypt with."""
        ...

    def from_storage(self, stored: bytes, context: bytes) -> Opened:
        """The bytes given to `to_storage`. Raises TransformError when they do not open."""
        ...
