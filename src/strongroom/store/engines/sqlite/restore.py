"""A backup's way back: it is verified as a whole, then becomes the database, whole or not at all."""

import contextlib
import functools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from strongroom.store import errors
from strongroom.store.engines.sqlite import backup, forward, schema


@contextlib.contextmanager
def verified(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a backup that is ours, of a format that is known, and undamaged; it is not written.

    Raises Corrupt, Unavailable."""
    if not file.is_file():
        why = "not a file" if file.exists() else "there is no such file"
        raise errors.Unavailable(f"{file}: {why}")
    if file.with_name(file.name + "-wal").exists():
        raise errors.Unavailable(f"{file} is a database in use, not a backup of one")
    try:
        address = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
            _check(connection, file)
            yield connection
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise errors.Corrupt(f"{file} is no usable backup ({name})") from error


def _check(connection: sqlite3.Connection, file: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
        raise errors.Corrupt(f"{file} is no backup of a Strongroom database")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > schema.FORMAT:
        raise errors.Corrupt(f"{file} has format {found}, newer than this version reads: use a newer one")
    problem = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if problem != "ok":
        lines = [line for line in problem.splitlines() if not line.startswith("***")]
        raise errors.Corrupt(f"{file} is damaged ({(lines or ['unreadable'])[0]})")


def place(connection: sqlite3.Connection, database: Path, revision: int = 0) -> None:
    """Make what `verified` gave the database at `database`, durable when this returns. Raises Unavailable.

    `revision`: the newest one from then on, and the oldest that can be asked for; 0: as in the backup."""
    change = functools.partial(forward.put, revision=revision) if revision else None
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise errors.Unavailable(f"{error.filename or database}: {error.strerror}") from error
    backup.write(connection, database, change=change)
