"""The signing keys of service account tokens on disk: a folder of PEM files, and a record beside them.

All keys in the folder verify. The record says which one signs, and until when tokens live that each has
signed: an old key is dropped after the last of them, and not before.
"""

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from strongroom.aio.clock import Clock
from strongroom.cmd import files
from strongroom.server.service_accounts import keys as signing
from strongroom.server.service_accounts.issue import EXTENDED_SECONDS
from strongroom.server.service_accounts.keys import Keys

_log = logging.getLogger(__name__)

RECORD: Final = "signers.json"
SIGNS, NEXT, OLD = "signs", "next", "old"
_NAME: Final = "%Y%m%dT%H%M%SZ"
_DAY: Final = 24 * 3600
"""What a token's end is rounded up to, so that the record is written once a day and not once a token."""

InUse = Callable[[str], bool]
"""Whether a Secret holds a token that the key of this id signed."""


class KeyFileError(Exception):
    """A key can't be used, or not as asked: names the file or the key, and the reason."""


class Row(NamedTuple):
    """A key. `until`: when its last token ends (Unix seconds; 0: it signed none that we know of).
    `endless`: it signed tokens that live in Secrets and have no end."""

    key_id: str
    state: str
    created: str
    until: int
    endless: bool


@dataclass(slots=True)
class _Signed:
    """What a key has signed."""

    until: int = 0
    endless: bool = False


class KeyFolder:
    """The keys of a folder; `keys` follows what is done to it. Not for two processes at once."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Makes the first key when there is none. Raises KeyFileError."""
        self._folder = folder
        self._clock = clock
        files.make_private_folder(folder)
        found = sorted(path.stem for path in folder.glob("*.key"))
        names = found or [self._make("")]
        self._private = {name: _load(folder / f"{name}.key") for name in names}
        self._signer, self._signed = self._read_record() if found else (names[0], {})
        self._write_record()
        self.keys = Keys(self._in_order(), self._note)

    @property
    def rows(self) -> list[Row]:
        """The key that signs, those that are to sign next, then the old ones, newest first."""
        rows = []
        for name in self._names():
            state = SIGNS if name == self._signer else NEXT if name > self._signer else OLD
            signed = self._signed.get(name, _Signed())
            rows.append(Row(self._id(name), state, _shown(name), signed.until, signed.endless))
        return rows

    def rotate(self, *, stage: bool = False) -> Row:
        """A new key signs from now on, or one that was staged, or whose rotation was cut short.

        `stage`: it only verifies and is published until the next call. Raises KeyFileError, OSError."""
        newest = max(self._private)
        waiting = newest > self._signer
        if stage and waiting:
            raise KeyFileError(f"key {self._id(newest)} is staged already: rotate without --stage to use it")
        if not waiting:
            newest = self._make(newest)
            self._private[newest] = _load(self._folder / f"{newest}.key")
        if not stage:
            self._signer = newest
        self._write_record()
        self.keys.replace(self._in_order())
        return next(row for row in self.rows if row.key_id == self._id(newest))

    def remove(self, key_ids: Iterable[str]) -> list[str]:
        """Drop keys: their tokens are refused at once. The ids of those dropped.

        The one that signs is not dropped, and none is when one of `key_ids` is not there. Raises
        KeyFileError, OSError."""
        names = {self._id(name): name for name in self._private}
        wanted = list(dict.fromkeys(key_ids))
        for key_id in wanted:
            if key_id not in names:
                raise KeyFileError(f"there is no key {key_id} in {self._folder}")
            if names[key_id] == self._signer:
                raise KeyFileError(f"key {key_id} signs tokens: rotate first, then remove it")
        for key_id in wanted:
            # The file first: cut short after this, a key may be missing, and none comes back.
            (self._folder / f"{names[key_id]}.key").unlink(missing_ok=True)
            del self._private[names[key_id]]
            self.keys.replace(self._in_order())
        if wanted:
            _sync(self._folder)
            self._write_record()
        return wanted

    def drop_ended(self, in_use: InUse) -> list[str]:
        """Drop the old keys whose last token has ended. Their ids. Raises OSError."""
        now = self._clock.now().timestamp()
        ended = [
            row.key_id
            for row in self.rows
            if row.state == OLD and row.until <= now and not (row.endless and in_use(row.key_id))
        ]
        return self.remove(ended)

    def _names(self) -> list[str]:
        return [self._signer, *sorted((name for name in self._private if name != self._signer), reverse=True)]

    def _in_order(self) -> list[ec.EllipticCurvePrivateKey]:
        return [self._private[name] for name in self._names()]

    def _id(self, name: str) -> str:
        return signing.key_id(self._private[name].public_key())

    def _make(self, newest: str) -> str:
        """The name of a new key file, which comes after all others."""
        name = f"{self._clock.now():{_NAME}}"
        if name <= newest:
            made = _time(newest)
            name = f"{made + timedelta(seconds=1):{_NAME}}" if made.year > 1970 else f"{newest}-{name}"
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        files.write_private(self._folder / f"{name}.key", pem)
        return name

    def _note(self, key_id: str, ends: float | None) -> None:
        """A token is about to be signed: its key must outlive it."""
        signed = self._signed.setdefault(self._signer, _Signed())
        if ends is None:
            if signed.endless:
                return
            signed.endless = True
        elif ends <= signed.until:
            return
        else:
            signed.until = (int(ends) // _DAY + 1) * _DAY
        try:
            self._write_record()
        except OSError as error:
            # In memory it stands; at worst a token ends with its key, before its time.
            _log.warning("%s can't be written: %s", self._folder / RECORD, error.strerror)

    def _read_record(self) -> tuple[str, dict[str, _Signed]]:
        path = self._folder / RECORD
        if not path.exists():
            newest = max(self._private)
            # Keys from before there was a record: as if each had just signed every kind of token.
            until = int(self._clock.now().timestamp()) + EXTENDED_SECONDS
            return newest, {name: _Signed(until, True) for name in self._private}
        try:
            record = orjson.loads(path.read_bytes())
            signer = record["signer"]
            signed = {
                name: _Signed(int(each["until"]), bool(each["endless"]))
                for name, each in record["keys"].items()
                if name in self._private
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeyFileError(
                f"{path}: can't be read: restore it, or remove it to have the newest key sign"
            ) from None
        if signer not in self._private:
            raise KeyFileError(
                f"{path}: the key that signs, {signer}.key, is missing: restore it, or remove {RECORD} to "
                "have the newest key sign"
            )
        return signer, signed

    def _write_record(self) -> None:
        kept = {name: self._signed[name] for name in sorted(self._signed) if name in self._private}
        self._signed = kept
        record: dict[str, Any] = {
            "signer": self._signer,
            "keys": {name: {"until": each.until, "endless": each.endless} for name, each in kept.items()},
        }
        content = orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        path = self._folder / RECORD
        if not path.exists() or path.read_bytes() != content:
            files.write_private(path, content)


def _load(path: Path) -> ec.EllipticCurvePrivateKey:
    if path.stat().st_mode & 0o077:
        raise KeyFileError(f"{path}: others may read it: chmod 600 it, or replace it if others did")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(f"{path}: not a private key in PEM: {type(error).__name__}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFileError(f"{path}: not an EC key on P-256")
    return key


def _time(name: str) -> datetime:
    """When a key was made, by its name; long ago when it says nothing of that."""
    try:
        return datetime.strptime(name, _NAME).replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def _shown(name: str) -> str:
    made = _time(name)
    return f"{made:%Y-%m-%dT%H:%M:%SZ}" if made.year > 1970 else ""


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
