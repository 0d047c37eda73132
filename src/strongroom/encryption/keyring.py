"""The key-encryption keys on this machine: a small file outside the database.

The file is JSON, `{"keys": [{"id": "…", "key": "‹base64 of 32 bytes›"}, …]}`. The first key writes, all of
them read. Whoever has this file and the database has the Secrets; whoever has only one of them has nothing.
Losing it loses what it encrypted.
"""

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.encryption.envelope import Wrapped
from strongroom.encryption.transformer import TransformError

KEY_SIZE: Final = 32
FILE_LIMIT: Final = 64 * 1024
_NONCE_SIZE: Final = 12
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class KeyringError(Exception):
    """A keyring file that can't be used. The text names the file, or the key's id, and what to do."""


class MissingKeyring(KeyringError):
    """There is no keyring file."""


class Keyring:
    """Keys by id, the first one current. Holds them in memory; prints only their ids."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys`: id -> 32 bytes. Raises KeyringError naming the id that is wrong."""
        if not keys:
            raise KeyringError("the keyring holds no key")
        for key_id, key in keys.items():
            if not _ID.fullmatch(key_id):
                raise KeyringError(f"key id {key_id!r}: letters, digits, . _ and - only, at most 63")
            if len(key) != KEY_SIZE:
                raise KeyringError(f'key "{key_id}": {KEY_SIZE} bytes are needed')
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ciphers)})"

    @property
    def current_key_id(self) -> str:
        return self._current

    def wrap(self, plaintext: bytes) -> Wrapped:
        """Encrypt with the current key: nonce, AES-256-GCM ciphertext, tag; the key id is authenticated."""
        nonce = os.urandom(_NONCE_SIZE)
        ciphertext = self._ciphers[self._current].encrypt(nonce, plaintext, self._current.encode())
        return Wrapped(self._current, nonce + ciphertext)

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """Raises TransformError naming the key id when that key is not here or is another one."""
        cipher = self._ciphers.get(wrapped.key_id)
        if cipher is None:
            raise TransformError(f"key {wrapped.key_id[:63]!r} is not in the keyring")
        nonce, ciphertext = wrapped.ciphertext[:_NONCE_SIZE], wrapped.ciphertext[_NONCE_SIZE:]
        try:
            return cipher.decrypt(nonce, ciphertext, wrapped.key_id.encode())
        except (InvalidTag, ValueError):
            raise TransformError(
                f'key "{wrapped.key_id}" of the keyring is not the one that wrote this'
            ) from None


def open_or_create(path: Path) -> Keyring:
    """The keyring in the file at `path`; made with one new key (and its directory, 0700) when there is none.

    Where a database exists already use `load`: a new key can't read it. Raises KeyringError."""
    try:
        return load(path)
    except MissingKeyring:
        try:
            _create(path)
        except FileExistsError:
            pass  # another process was first; theirs counts
        except OSError as error:
            raise KeyringError(f"{path}: the keyring can't be written: {error.strerror}") from error
        return load(path)


def load(path: Path) -> Keyring:
    """The keyring in the file at `path`. Raises KeyringError (MissingKeyring when absent).

    Refused: a file that others may read, and one that is not of this user."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise MissingKeyring(f"{path}: the keyring is missing: restore it, the database needs it") from None
    except OSError as error:
        raise KeyringError(f"{path}: the keyring can't be read: {error.strerror}") from error
    try:
        _check_file(os.fstat(descriptor), path)
        content = os.read(descriptor, FILE_LIMIT + 1)
    except OSError as error:
        raise KeyringError(f"{path}: the keyring can't be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if len(content) > FILE_LIMIT:
        raise KeyringError(f"{path}: not a keyring: larger than {FILE_LIMIT} bytes")
    try:
        return Keyring(_parse(content))
    except KeyringError as error:
        raise KeyringError(f"{path}: {error}") from None


def _check_file(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeyringError(f"{path}: the keyring is not a regular file")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise KeyringError(f"{path}: mode {mode:04o} lets others at the keys: chmod 600 {path}")
    if found.st_uid not in (os.geteuid(), 0):
        raise KeyringError(f"{path}: the keyring belongs to another user (uid {found.st_uid})")


def _parse(content: bytes) -> dict[str, bytes]:
    """id -> key. Errors quote nothing of the file but ids."""
    try:
        document: Any = orjson.loads(content)
    except ValueError:
        raise KeyringError("not a keyring: no JSON") from None
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


def _create(path: Path) -> None:
    """A new keyring with one key, whole or not at all. Raises FileExistsError when there is one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = base64.b64encode(secrets.token_bytes(KEY_SIZE)).decode()
    document = {"keys": [{"id": f"local-{secrets.token_hex(4)}", "key": key}]}
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        os.fsync(descriptor)
        os.link(temporary, path)
    finally:
        os.close(descriptor)
        temporary.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
