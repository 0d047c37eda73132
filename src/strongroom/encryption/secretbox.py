"""The `secretbox` provider: nonce (24 random bytes), NaCl's secretbox (XSalsa20 and Poly1305).

Nothing binds the value to the store's key. It needs PyNaCl, which is installed with `strongroom[secretbox]`.
"""

import importlib
import os
from collections.abc import Mapping
from typing import Any, Final

from strongroom.encryption.named_keys import TOO_SHORT, NamedKeys
from strongroom.encryption.transformer import TransformError

try:
    _secret: Any = importlib.import_module("nacl.secret")
    _exceptions: Any = importlib.import_module("nacl.exceptions")
except ImportError:
    _secret = _exceptions = None

_NONCE: Final = 24
_TAG: Final = 16


class _Cipher:
    def __init__(self, key: bytes) -> None:
        self._box: Any = _secret.SecretBox(key)
        self._forged: type[Exception] = _exceptions.CryptoError

    def seal(self, data: bytes, context: bytes) -> bytes:
        return bytes(self._box.encrypt(data, os.urandom(_NONCE)))

    def open(self, sealed: bytes, context: bytes) -> bytes:
        if len(sealed) < _NONCE + _TAG:
            raise TransformError(TOO_SHORT)
        try:
            return bytes(self._box.decrypt(sealed[_NONCE:], sealed[:_NONCE]))
        except self._forged:
            raise TransformError("could not decrypt using the Secretbox transformer") from None


def provider(keys: Mapping[str, bytes]) -> NamedKeys:
    """`keys`: name -> 32 bytes. Raises ImportError without PyNaCl."""
    if _secret is None:
        raise ImportError("PyNaCl")
    ciphers = {name: _Cipher(key) for name, key in keys.items()}
    return NamedKeys("secretbox", ciphers, "no matching key was found for the provided Secretbox transformer")
