"""What servers on one store have in common beside the objects: the certificate authority, the keys that sign
ServiceAccount tokens, and the administrator's token.

It lies in the store as one value, encrypted as Secrets are, and as files in each server's data directory. The
first server puts its own there; others take them over at their start, as they do signing keys that were added
elsewhere, and let go of those that were removed. So a further server needs nothing but the keyring, its
passphrase or its KMS plugin. Where Secrets are not encrypted nothing is put there.
"""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from strongroom.aio.clock import Clock
from strongroom.cmd import credentials, encryption, files, pki, service_account_keys
from strongroom.cmd.data_dir import DataDir
from strongroom.encryption.keyring import KeyringError
from strongroom.encryption.transformer import TransformError
from strongroom.store import errors
from strongroom.store.engine import Engine

_log = logging.getLogger(__name__)

KEY: Final = encryption.SHARED + "credentials"

_CA: Final = ("ca.key", "ca.crt")
"""In the order in which they are written: a certificate without its key would look usable."""

_NOTED: Final = "shared.json"
"""In the folder of signing keys: those that were in the store at the last start. One of them that is missing
since then was removed here."""

TRIES: Final = 5


async def join(engine: Engine, used: encryption.Encryption, place: DataDir, clock: Clock) -> None:
    """Make the files in the data directory those that servers on this store share, or the other way round.

    Raises KeyringError, PKIError, CredentialError, StoreError: also when the directory has others already."""
    transformer = used.stored[encryption.SHARED]
    for _ in range(TRIES):
        found = await engine.get(KEY)
        if found is None and encryption.SHARED not in used.encrypted:
            _log.warning(
                "Secrets are not encrypted, so nothing is kept in the store that servers share: copy keys, "
                "pki and credentials of the first one's data directory to others"
            )
            return
        theirs: Mapping[str, Any] | None = None
        stale = False
        if found is not None:
            theirs, stale = _open(used, found.value, place)
            _take_over(theirs, place)
        ours = _of(place, clock, theirs)
        if theirs is not None and encryption.SHARED not in used.encrypted:
            if theirs != ours:
                _log.warning(
                    "Secrets are not encrypted now, so the keys that were added or removed here are not told "
                    "to the servers that share the store"
                )
            _note(place, theirs)
            return
        if theirs == ours and not stale:
            _note(place, ours)
            return
        sealed = transformer.to_storage(orjson.dumps(ours), KEY.encode())
        try:
            if found is None:
                await engine.create(KEY, sealed)
            else:
                await engine.update(KEY, sealed, found.mod_revision)
        except (errors.KeyExists, errors.RevisionConflict):
            continue  # another server starts at the same time
        _note(place, ours)
        return
    raise errors.Unavailable("what servers share is being changed all the time: try again")


async def take(engine: Engine, used: encryption.Encryption, place: DataDir) -> None:
    """Take over what servers on this store share, if they do. Raises as `join`."""
    found = await engine.get(KEY)
    if found is not None:
        _take_over(_open(used, found.value, place)[0], place)


async def withdraw(engine: Engine) -> None:
    """Remove what is shared from the store: where Secrets are not encrypted any more. Raises StoreError."""
    if (found := await engine.get(KEY)) is not None:
        await engine.delete(KEY, found.mod_revision)
        _log.warning(
            "Secrets are not encrypted any more, so what servers share is kept in the store no longer"
        )


def _open(used: encryption.Encryption, stored: bytes, place: DataDir) -> tuple[Mapping[str, Any], bool]:
    """What is shared, and whether it is stale. Raises KeyringError."""
    try:
        data, stale = used.stored[encryption.SHARED].from_storage(stored, KEY.encode())
    except TransformError as error:
        raise KeyringError(
            f"{error}, and what servers on this store share does not open without it: copy "
            f"{place.keyring.name} of a server that uses it to {place.keyring}"
        ) from None
    return orjson.loads(data), stale


def _of(place: DataDir, clock: Clock, theirs: Mapping[str, Any] | None) -> dict[str, Any]:
    """The files of a data directory, made where they are missing."""
    pki.Authority.open_or_create(place.pki, clock.now())
    service_account_keys.KeyFolder(place.service_account_keys, clock)
    token = credentials.admin_token(place.admin_token)
    signing = {path.name: path.read_text() for path in sorted(place.service_account_keys.glob("*.key"))}
    gone = set(theirs["removedServiceAccountKeys"] if theirs else ())
    gone.update(name for name in _noted(place) if name not in signing)
    return {
        "authority": {name: (place.pki / name).read_text() for name in _CA},
        "serviceAccountKeys": signing,
        "removedServiceAccountKeys": sorted(gone),
        "adminToken": token,
    }


def _take_over(theirs: Mapping[str, Any], place: DataDir) -> None:
    """Write what is missing here. Raises PKIError and CredentialError when something else is here."""
    files.make_private_folder(place.pki)
    for name in _CA:
        path = place.pki / name
        if path.exists() and path.read_text() != theirs["authority"][name]:
            raise pki.PKIError(
                f"{path} is not that of the servers that share this store: move {place.pki} away to take "
                "over theirs"
            )
    for name in _CA:
        if not (place.pki / name).exists():
            files.write_private(place.pki / name, theirs["authority"][name].encode())
    _take_over_signing_keys(theirs, place.service_account_keys, _noted(place))
    token = theirs["adminToken"]
    if not place.admin_token.exists():
        files.make_private_folder(place.admin_token.parent)
        files.write_private(place.admin_token, token.encode() + b"\n")
    elif place.admin_token.read_text().strip() != token:
        raise credentials.CredentialError(
            f"{place.admin_token} is not the token of the servers that share this store: move it away to "
            "take over theirs"
        )


def _take_over_signing_keys(theirs: Mapping[str, Any], folder: Path, noted: Collection[str]) -> None:
    """`noted`: keys that were here before; those that are not any more don't come back."""
    files.make_private_folder(folder)
    for name, pem in theirs["serviceAccountKeys"].items():
        path = folder / name
        if path.parent == folder and not path.exists() and name not in noted:
            files.write_private(path, pem.encode())
    removed = [folder / name for name in theirs["removedServiceAccountKeys"]]
    for path in removed:
        if path.parent == folder and path.exists():
            path.unlink()
            # It may be the one that signs here: then the newest does, as where there is no record.
            (folder / service_account_keys.RECORD).unlink(missing_ok=True)


def _noted(place: DataDir) -> Collection[str]:
    try:
        return frozenset(orjson.loads((place.service_account_keys / _NOTED).read_bytes()))
    except (OSError, ValueError, TypeError):
        return frozenset()


def _note(place: DataDir, ours: Mapping[str, Any]) -> None:
    path = place.service_account_keys / _NOTED
    content = orjson.dumps(sorted(ours["serviceAccountKeys"]))
    if not path.exists() or path.read_bytes() != content:
        files.write_private(path, content)
