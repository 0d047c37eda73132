"""The key-encryption keys of this machine, in memory: the first one writes, all of them read."""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.encryption.envelope import SEED_SIZE, Wrapped
from strongroom.encryption.transformer import WrongKey

KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class KeyringError(Exception):
    """A keyring that can't be used. The text names the file, or the key's id, and what to do."""


class MissingKeyring(KeyringError):
    """There is no keyring file."""


class Keyring:
    """Keys by id, the first one current. Holds them in memory; prints only their ids. Thread-safe."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys`: id -> 32 bytes. Raises KeyringError naming the id that is wrong."""
        if not keys:
            raise KeyringError("the keyring holds no key")
        self._ciphers: Mapping[str, AESGCM] = {}
        self._current = next(iter(keys))
        self.replace(keys)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ciphers)})"

    @property
    def current_key_id(self) -> str:
        return self._current

    @property
    def key_ids(self) -> list[str]:
        """All ids, the current one first."""
        return list(self._ciphers)

    def replace(self, keys: Mapping[str, bytes]) -> None:
        """Hold these keys instead, the first one current. Raises KeyringError, as the constructor does."""
        if not keys:
            raise KeyringError("the keyring holds no key")
        for key_id, key in keys.items():
            if not _ID.fullmatch(key_id):
                raise KeyringError(f"key id {key_id!r}: letters, digits, . _ and - only, at most 63")
            if len(key) != KEY_SIZE:
                raise KeyringError(f'key "{key_id}": {KEY_SIZE} bytes are needed')
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))

    def add(self, key_id: str, key: bytes) -> None:
        """Hold this key, too: it reads, and does not write."""
        self._ciphers = {**self._ciphers, key_id: AESGCM(key)}

    def new_seed(self) -> tuple[bytes, Wrapped]:
        """A fresh seed, and the same under the current key."""
        seed = os.urandom(SEED_SIZE)
        return seed, self.wrap(seed)

    def wrap(self, plaintext: bytes) -> Wrapped:
        """Encrypt with the current key: nonce, AES-256-GCM ciphertext, tag; the key id is authenticated."""
        current = self._current
        nonce = os.urandom(_NONCE_SIZE)
        ciphertext = self._ciphers[current].encrypt(nonce, plaintext, current.encode())
        return Wrapped(current, nonce + ciphertext)

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """Raises WrongKey naming the key id when that key is not here or is another one."""
        cipher = self._ciphers.get(wrapped.key_id)
        if cipher is None:
            raise WrongKey(f"key {wrapped.key_id[:63]!r} is not in the keyring")
        nonce, ciphertext = wrapped.ciphertext[:_NONCE_SIZE], wrapped.ciphertext[_NONCE_SIZE:]
        try:
            return cipher.decrypt(nonce, ciphertext, wrapped.key_id.encode())
        except (InvalidTag, ValueError):
            raise WrongKey(f'key "{wrapped.key_id}" of the keyring is not the one that wrote this') from None


def new_key(taken: Collection[str] = ()) -> tuple[str, bytes]:
    """An id that is not in `taken`, and a key."""
    while True:
        key_id = f"local-{secrets.token_hex(4)}"
        if key_id not in taken:
            return key_id, secrets.token_bytes(KEY_SIZE)


def encode(keys: Mapping[str, bytes]) -> bytes:
    """The keyring's JSON: `{"keys": [{"id": "…", "key": "‹base64 of 32 bytes›"}, …]}`."""
    listed = [{"id": key_id, "key": base64.b64encode(key).decode()} for key_id, key in keys.items()]
    return orjson.dumps({"keys": listed}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def decode(document: Any) -> dict[str, bytes]:
    """id -> key, of the keyring's JSON. Raises KeyringError, which quotes nothing of it but ids."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise KeyringError('not a keyring: no list "keys"')
    keys: dict[str, bytes] = {}
    for position, item in enumerate(listed):
        key_id = item.get("id") if isinstance(item, dict) else None
        if not isinstance(key_id, str) or not _ID.fullmatch(key_id):
            raise KeyringError(f"keys[{position}]: an id is missing or wrong")
        if key_id in keys:
            raise KeyringError(f'key "{key_id}" occurs twice')
        try:
            keys[key_id] = base64.b64decode(item.get("key"), validate=True)
        except (TypeError, binascii.Error, ValueError):
            raise KeyringError(f'key "{key_id}": not base64') from None
    return keys
