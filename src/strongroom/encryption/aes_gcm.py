"""The `aesgcm` provider: nonce (12 random bytes), AES-GCM ciphertext, tag; bound to the store's key.

Nonces are random: after some 2^32 writes under one key two may be equal, so Kubernetes advises to rotate a
key every 200,000 writes. The default provider has no such limit.
"""

import os
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.encryption.named_keys import TOO_SHORT, NamedKeys
from strongroom.encryption.transformer import TransformError

_NONCE: Final = 12
_TAG: Final = 16


class _Cipher:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, data: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, data, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        if len(sealed) < _NONCE + _TAG:
            raise TransformError(TOO_SHORT)
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], context)
        except InvalidTag:
            raise TransformError("cipher: message authentication failed") from None


def provider(keys: Mapping[str, bytes]) -> NamedKeys:
    """`keys`: name -> 16, 24 or 32 bytes."""
    ciphers = {name: _Cipher(key) for name, key in keys.items()}
    return NamedKeys("aesgcm", ciphers, "no matching key was found for the provided AES transformer")
