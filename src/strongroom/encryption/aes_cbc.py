"""The `aescbc` provider: IV (16 random bytes), AES-CBC of the padded value (PKCS #7).

Nothing authenticates the value or binds it to the store's key: it is there to read what others wrote.
"""

import os
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from strongroom.encryption.named_keys import TOO_SHORT, NamedKeys
from strongroom.encryption.transformer import TransformError

_BLOCK: Final = 16


class _Cipher:
    def __init__(self, key: bytes) -> None:
        self._key = algorithms.AES(key)

    def seal(self, data: bytes, context: bytes) -> bytes:
        initial = os.urandom(_BLOCK)
        padder = padding.PKCS7(_BLOCK * 8).padder()
        padded = padder.update(data) + padder.finalize()
        encryptor = Cipher(self._key, modes.CBC(initial)).encryptor()
        return initial + encryptor.update(padded) + encryptor.finalize()

    def open(self, sealed: bytes, context: bytes) -> bytes:
        if len(sealed) < _BLOCK:
            raise TransformError(TOO_SHORT)
        if len(sealed) % _BLOCK:
            raise TransformError("the stored data is not a multiple of the block size")
        decryptor = Cipher(self._key, modes.CBC(sealed[:_BLOCK])).decryptor()
        padded = decryptor.update(sealed[_BLOCK:]) + decryptor.finalize()
        count = padded[-1] if padded else 0
        if not 0 < count <= len(padded):
            raise TransformError("invalid PKCS7 data (empty or not padded)")
        if padded[-count:] != bytes((count,)) * count:
            raise TransformError("invalid padding on input")
        return padded[:-count]


def provider(keys: Mapping[str, bytes]) -> NamedKeys:
    """`keys`: name -> 16, 24 or 32 bytes."""
    ciphers = {name: _Cipher(key) for name, key in keys.items()}
    return NamedKeys("aescbc", ciphers, "no matching key was found for the provided AES transformer")
