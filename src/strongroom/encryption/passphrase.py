"""Bytes under a passphrase: scrypt (RFC 7914) makes the key, AES-256-GCM seals them.

    {"sealed": {"kdf": "scrypt", "n": 131072, "r": 8, "p": 1, "salt": …, "nonce": …, "ciphertext": …}}

with salt (16 bytes), nonce (12) and ciphertext with tag in base64.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from strongroom.machinery.sensitive import Sensitive

COST: Final = 2**17
"""128 MiB of memory and about half a second for each guess."""

_BLOCK: Final = 8
_PARALLEL: Final = 1
_COST_LIMIT: Final = 2**20
"""What is read may not ask for more: a planted file must not use up the memory."""

_CONTEXT: Final = b"strongroom keyring"


class PassphraseError(ValueError):
    """The passphrase is not the one that sealed this, or what was sealed is damaged."""


def seal(content: bytes, passphrase: Sensitive, cost: int = COST) -> dict[str, Any]:
    """A JSON document that only the passphrase opens."""
    salt, nonce = os.urandom(16), os.urandom(12)
    ciphertext = _cipher(passphrase, salt, cost, _BLOCK, _PARALLEL).encrypt(nonce, content, _CONTEXT)
    return {
        "sealed": {
            "kdf": "scrypt",
            "n": cost,
            "r": _BLOCK,
            "p": _PARALLEL,
            **{
                name: base64.b64encode(part).decode()
                for name, part in (("salt", salt), ("nonce", nonce), ("ciphertext", ciphertext))
            },
        }
    }


def is_sealed(document: object) -> bool:
    """Whether `document` is one that `seal` made."""
    return isinstance(document, Mapping) and isinstance(document.get("sealed"), Mapping)


def unseal(document: Mapping[str, Any], passphrase: Sensitive) -> bytes:
    """What was sealed. Raises PassphraseError."""
    sealed = document["sealed"]
    cost, block, parallel = sealed.get("n"), sealed.get("r"), sealed.get("p")
    if sealed.get("kdf") != "scrypt" or (block, parallel) != (_BLOCK, _PARALLEL):
        raise PassphraseError("it is sealed in a way that this version does not know")
    if not isinstance(cost, int) or not 2 <= cost <= _COST_LIMIT or cost & (cost - 1):
        raise PassphraseError("its cost is out of range")
    try:
        salt, nonce, ciphertext = (
            base64.b64decode(sealed[name], validate=True) for name in ("salt", "nonce", "ciphertext")
        )
        return _cipher(passphrase, salt, cost, block, parallel).decrypt(nonce, ciphertext, _CONTEXT)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise PassphraseError("it is damaged") from None
    except InvalidTag:
        raise PassphraseError("the passphrase is not the one that it was sealed with") from None


def _cipher(passphrase: Sensitive, salt: bytes, cost: int, block: int, parallel: int) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=cost, r=block, p=parallel).derive(passphrase.reveal()))
