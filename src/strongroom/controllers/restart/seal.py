"""Tells whether values are those seen before, from a note that helps nobody to guess them.

The note is a MAC under a key that only the controllers have, of values that were put through another MAC,
with a nonce of its own: equal values in two notes look unlike. Pure but for the nonce.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from strongroom.machinery.gvk import Object

_NONCE = 12
_TAG = 16

Digests = Mapping[str, bytes]
"""Of a Secret's values, by key; worth nothing outside of this process's memory."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """`secret`: 32 bytes that live as long as the notes. `id` names it, and tells nothing of it."""

    secret: bytes = field(repr=False)
    random: Callable[[int], bytes] = os.urandom

    @property
    def id(self) -> str:
        return self._mac(b"id")[:4].hex()

    def digests(self, secret: Object) -> Digests:
        """What is kept of a Secret's data."""
        data = secret.get("data") or {}
        return {key: self._mac(b"value", value.encode()) for key, value in data.items()}

    def seal(self, values: Digests, keys: Iterable[str] | None, about: str) -> str:
        """The note of the values of `keys`, a missing one too; None: of all there are.

        `about`: whom the note is for; it does not fit anywhere else."""
        return self._note(self.random(_NONCE), values, keys, about)

    def fits(self, note: str, values: Digests, keys: Iterable[str] | None, about: str) -> bool:
        """Whether the values are those that the note was made of."""
        try:
            nonce = base64.b64decode(note, validate=True)[:_NONCE]
        except ValueError:
            return False
        return hmac.compare_digest(note.encode(), self._note(nonce, values, keys, about).encode())

    def _note(self, nonce: bytes, values: Digests, keys: Iterable[str] | None, about: str) -> str:
        names = sorted(values if keys is None else keys)
        told = [[name, values[name].hex() if name in values else None] for name in names]
        tag = self._mac(b"note", nonce, about.encode(), orjson.dumps(told))
        return base64.b64encode(nonce + tag[:_TAG]).decode()

    def _mac(self, *parts: bytes) -> bytes:
        framed = b"".join(len(part).to_bytes(8) + part for part in parts)
        return hmac.digest(self.secret, framed, hashlib.sha256)
