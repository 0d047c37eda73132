"""All objects of one store into another, as they lie: opened once, to know that they can be."""

import asyncio
import contextlib
import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from strongroom.cmd import encryption, key_survey, maintenance, settings, shared_credentials, storage
from strongroom.cmd.data_dir import DataDir
from strongroom.cmd.key_handover import KeyHandover
from strongroom.encryption import inspection
from strongroom.encryption.keyring import KeyringError
from strongroom.store import errors
from strongroom.store.engine import Engine, KeyValue
from strongroom.store.engines.etcd.endpoint import parse
from strongroom.store.engines.sqlite import failures, forward, log, restore

PAGE: Final = 2000
_PREFIX: Final = "/registry/"
_BUILDING: Final = ".migrating"

Show = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and how much there is."""


@dataclass(frozen=True, slots=True)
class Moved:
    """`objects` in all, `encrypted` ones among them, and the `revision` that the target goes on from."""

    objects: int
    encrypted: int
    revision: int


@dataclass(slots=True)
class _Content:
    rows: list[KeyValue]
    revision: int
    encrypted: int

    @property
    def digest(self) -> str:
        """Tells this content from any other."""
        seen = hashlib.sha256(str(self.revision).encode())
        for kv in self.rows:
            seen.update(f"{kv.key}\0{kv.mod_revision}\0{hashlib.sha256(kv.value).hexdigest()}\0".encode())
        return seen.hexdigest()


def move(
    place: DataDir, chosen: encryption.Options, source: str, target: str, show: Show, *, keep: bool
) -> Moved:
    """Copy and verify. `keep`: put an etcd's revision forward. The data directory is locked by the caller.

    Raises KeyringError, EndpointError, StoreError, PKIError, CredentialError."""
    if target == settings.SQLITE:
        store = place.database.parent
        if store.exists() and any(not path.name.startswith(_BUILDING) for path in store.iterdir()):
            raise errors.Unavailable(f"{store} is not empty: move it away, or name another --data-dir")
    return asyncio.run(_move(place, chosen, source, target, show, keep=keep))


async def _move(
    place: DataDir, chosen: encryption.Options, source: str, target: str, show: Show, *, keep: bool
) -> Moved:
    used = storage.open_encryption(place, chosen)
    try:
        async with maintenance.opened(place, source) as engine:
            if engine.shared:
                handover = KeyHandover(used)
                await handover.take(engine)
                await handover.close()
            content = await _read(engine, used, show)
            if target == settings.SQLITE:
                await shared_credentials.take(engine, used, place)
                await asyncio.to_thread(
                    _into_sqlite, place, content, show, asyncio.get_running_loop(), engine
                )
                return Moved(len(content.rows), content.encrypted, content.revision)
        # Loaded here: gRPC takes a quarter of a second.
        from strongroom.store.engines.etcd.load import Loading

        loading = Loading(parse(target), content.digest, show)
        revision = await loading.load(content.rows, content.revision if keep else 0)
        return Moved(len(content.rows), content.encrypted, revision)
    finally:
        used.close()


async def _read(engine: Engine, used: encryption.Encryption, show: Show) -> _Content:
    """All live objects, each encrypted one of which opens. Raises KeyringError, StoreError."""
    content = _Content([], await engine.current_revision(), 0)
    found = key_survey.Values()
    transformers, start, more = used.encrypted, "", True
    while more:
        page = await engine.range(_PREFIX, start=start, limit=PAGE, revision=content.revision)
        for kv in page.items:
            prefix = next((prefix for prefix in transformers if kv.key.startswith(prefix)), None)
            if prefix is not None:
                found.add(kv.key, kv.value, transformers[prefix], opened=True)
        content.rows += page.items
        more = page.count > len(page.items)
        start = page.items[-1].key + "\0" if page.items else ""
        show("objects read", len(content.rows), len(content.rows) + page.count - len(page.items))
    if found.unreadable:
        keys = ", ".join(sorted(inspection.parts_of(label)[1] for label in found.keys))
        raise KeyringError(
            f"{found.unreadable} of {found.values} encrypted values do not open, such as {found.named[0]}: "
            f"put the keyring in place that holds {keys}"
        )
    content.encrypted = found.values
    return content


def _into_sqlite(
    place: DataDir, content: _Content, show: Show, loop: asyncio.AbstractEventLoop, source: Engine
) -> None:
    folder = place.database.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.glob(f"{_BUILDING}*"):
            left.unlink()  # of a process that was killed meanwhile
        building = folder / f"{_BUILDING}.db"
        try:
            forward.write(building, content.rows, content.revision)
            with restore.verified(building) as connection:
                _compare(connection, content, show)
                now = asyncio.run_coroutine_threadsafe(source.current_revision(), loop).result()
                if now != content.revision:
                    raise errors.Unavailable("the source was written to meanwhile: stop all servers on it")
                restore.place(connection, place.database)
        finally:
            for left in folder.glob(f"{_BUILDING}*"):
                left.unlink()
            with contextlib.suppress(OSError):
                folder.rmdir()  # nothing came of it
    except sqlite3.Error as error:
        raise failures.translate(error, place.database) from error
    except OSError as error:
        raise errors.Unavailable(f"{error.filename or folder}: {error.strerror}") from error


def _compare(connection: sqlite3.Connection, content: _Content, show: Show) -> None:
    """Raises Corrupt when the database is not what was read."""
    expected = {kv.key: kv for kv in content.rows}
    rows = connection.execute(
        "SELECT key, value, create_revision, revision, version FROM revisions WHERE version > 0"
    )
    seen = 0
    for seen, row in enumerate(rows, 1):
        if expected.get(row[0]) != KeyValue._make(row):
            raise errors.Corrupt(f"{row[0]} is not what was written")
        if seen % PAGE == 0:
            show("objects verified", seen, len(expected))
    if seen != len(expected) or log.bounds(connection).current != content.revision:
        raise errors.Corrupt("what was written is not what is there")
