"""The keyring on disk: a small private file outside the database, plain or under a passphrase.

Whoever has this file and the database has the Secrets; whoever has only one of them has nothing. Losing it
loses what it encrypted. Under a passphrase it opens to nobody without that.
"""

import contextlib
import logging
import os
import secrets
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from strongroom.encryption import keyring, passphrase
from strongroom.encryption.keyring import Keyring, KeyringError, MissingKeyring
from strongroom.machinery.sensitive import Sensitive

_log = logging.getLogger(__name__)

FILE_LIMIT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeyringFile:
    """A file at `path`. Read anew by each method; changed as a whole or not at all.

    `passphrase`: what it is sealed with; a plain file is sealed when it is opened with one.
    `read_only`: it is handed to us, as by systemd: who hands it over looks after its mode, and changes it.
    """

    path: Path
    passphrase: Sensitive | None = None
    read_only: bool = False

    def open_or_create(self) -> Keyring:
        """The keyring; made with one new key (and its directory, 0700) when there is no file.

        Where a database exists already use `load`: a new key can't read it. Raises KeyringError."""
        try:
            return self.load()
        except MissingKeyring:
            if self.read_only:
                raise
            key_id, key = keyring.new_key()
            with contextlib.suppress(FileExistsError):  # another process was first; theirs counts
                self._write({key_id: key}, new=True)
            return self.load()

    def load(self) -> Keyring:
        """The keyring. Raises KeyringError (MissingKeyring when absent).

        Refused: a file that others may read, and one that is not of this user."""
        try:
            return Keyring(self._keys())
        except KeyringError as error:
            raise _named(self.path, error) from None

    def is_sealed(self) -> bool:
        """Whether there is a keyring, and it asks for a passphrase."""
        try:
            return passphrase.is_sealed(self._read())
        except KeyringError:
            return False

    def add_key(self, held: Keyring, made: tuple[str, bytes] | None = None) -> str:
        """Put a new key first, or the one `made` elsewhere, in the file and then in `held`; its id.

        In this order no value is ever written under a key that is not on disk. Raises KeyringError."""
        keys = self._keys()
        key_id, key = made or keyring.new_key(keys)
        if key_id not in keys:
            keys = {key_id: key, **keys}
            self._write(keys)
        held.replace(keys)
        return key_id

    def check_writable(self) -> None:
        """Raises KeyringError when keys can't be added here."""
        if self.read_only:
            raise KeyringError(
                f"{self.path}: this keyring is handed to the service: put a new key first where it comes from"
            )

    def remove_keys(self, held: Keyring, key_ids: Collection[str]) -> list[str]:
        """Drop these keys from the file and from `held`, never the current one; the ids that went."""
        keys = self._keys()
        gone = [key_id for key_id in list(keys)[1:] if key_id in key_ids]
        if gone:
            kept = {key_id: key for key_id, key in keys.items() if key_id not in gone}
            self._write(kept)
            held.replace(kept)
        return gone

    def copy_to(self, path: Path) -> None:
        """The same keys, sealed alike, in a new file at `path`. Raises KeyringError, also if there is one."""
        try:
            KeyringFile(path, self.passphrase)._write(self._keys(), new=True)
        except FileExistsError:
            raise KeyringError(f"{path} is there already") from None

    def _keys(self) -> dict[str, bytes]:
        document = self._read()
        if not passphrase.is_sealed(document):
            keys = keyring.decode(document)
            if self.passphrase is not None and not self.read_only:
                Keyring(keys)  # what is no keyring is not sealed
                self._write(keys)
                _log.warning("%s: sealed with the passphrase; copies made before are plain", self.path)
            return keys
        if self.passphrase is None:
            raise KeyringError("sealed with a passphrase: name a file that holds it: --passphrase-file")
        try:
            return keyring.decode(orjson.loads(passphrase.unseal(document, self.passphrase)))
        except passphrase.PassphraseError as error:
            raise KeyringError(str(error)) from None

    def _read(self) -> Any:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise MissingKeyring("the keyring is missing: restore it, the database needs it") from None
        except OSError as error:
            raise KeyringError(f"the keyring can't be read: {error.strerror}") from error
        try:
            self._check(os.fstat(descriptor))
            content = os.read(descriptor, FILE_LIMIT + 1)
        except OSError as error:
            raise KeyringError(f"the keyring can't be read: {error.strerror}") from error
        finally:
            os.close(descriptor)
        if len(content) > FILE_LIMIT:
            raise KeyringError(f"not a keyring: larger than {FILE_LIMIT} bytes")
        try:
            return orjson.loads(content)
        except ValueError:
            raise KeyringError("not a keyring: no JSON") from None

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise KeyringError("the keyring is not a regular file")
        if found.st_mode & 0o077 and not self.read_only:
            mode = stat.S_IMODE(found.st_mode)
            raise KeyringError(f"mode {mode:04o} lets others at the keys: chmod 600 {self.path}")
        if found.st_uid not in (os.geteuid(), 0):
            raise KeyringError(f"the keyring belongs to another user (uid {found.st_uid})")

    def _write(self, keys: dict[str, bytes], *, new: bool = False) -> None:
        """Whole or not at all, durable. Raises KeyringError, and FileExistsError for `new` and a file."""
        self.check_writable()
        content = keyring.encode(keys)
        if self.passphrase is not None:
            content = orjson.dumps(passphrase.seal(content, self.passphrase), option=orjson.OPT_INDENT_2)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                _write_all(descriptor, content)
                if new:
                    os.link(temporary, self.path)
                else:
                    temporary.rename(self.path)
            finally:
                os.close(descriptor)
                temporary.unlink(missing_ok=True)
            _synchronize(self.path.parent)
        except FileExistsError:
            raise
        except OSError as error:
            raise KeyringError(f"{self.path}: the keyring can't be written: {error.strerror}") from error


def _named(path: Path, error: KeyringError) -> KeyringError:
    text = str(error)
    return type(error)(text if text.startswith(str(path)) else f"{path}: {text}")


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
    os.fsync(descriptor)


def _synchronize(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
