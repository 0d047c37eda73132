"""The database file: its tables, how a connection is set up, how the file is claimed and checked."""

import contextlib
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from strongroom.store import errors
from strongroom.store.engines.sqlite import acknowledged, backup, failures, log

_log = logging.getLogger(__name__)

APPLICATION_ID: Final = 0x5374726D
"""Marks the file as ours (`Strm`); `file` and `PRAGMA application_id` show it."""

FORMAT: Final = 1
"""Kept in `user_version`; a file of a newer format is refused."""

# A log of writes: a revision is a row that never changes. A deletion is a row with version 0. The index alone
# answers what a key's newest revision is and whether it lives, without touching the values.
TABLES: Final = (
    """CREATE TABLE revisions (
         revision INTEGER PRIMARY KEY,
         key TEXT NOT NULL,
         create_revision INTEGER NOT NULL,
         version INTEGER NOT NULL,
         value BLOB NOT NULL
       ) STRICT""",
    "CREATE INDEX revisions_of_key ON revisions (key, revision, create_revision, version)",
    # compacted: the oldest revision that can be asked for. swept: up to where superseded rows are gone.
    """CREATE TABLE compaction (
         id INTEGER PRIMARY KEY CHECK (id = 1),
         compacted INTEGER NOT NULL,
         swept INTEGER NOT NULL
       ) STRICT""",
    "INSERT INTO compaction VALUES (1, 1, 1)",
)

MIGRATIONS: Final[Mapping[int, Sequence[str]]] = {}
"""Format -> the statements that make the next format of it."""

LOCK_SECONDS: Final = 1.0
"""How long to wait for the lock of an owner that is ending."""

CHECKPOINT_PAGES: Final = 4000
"""Pages (4 KiB) in the write-ahead log before a commit moves them into the database file."""


def lock(path: Path) -> int:
    """Claim the database at `path` for this process; the descriptor that holds the claim until it is closed.

    Creates the directory (0700) and the lock file (0600). Raises Unavailable when another owner holds it."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise errors.Unavailable(f"{lock_path}: {error.strerror}") from error
    # A writer whose parent was killed holds the lock until it has committed what it had read.
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError as error:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise errors.Unavailable(f"{path} is in use by another process") from error
            time.sleep(0.01)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode. `read_only` refuses writes; the file must exist."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=5.0
    )
    try:
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            return connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_database(path: Path) -> sqlite3.Connection:
    """The writer's connection: creates the file (0600) and its tables when it is new, else checks it.

    Raises Corrupt for a damaged or foreign file, Unavailable when it can't be opened."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise errors.Unavailable(f"{path}: {error.strerror}") from error
    connection = None
    try:
        _check_acknowledged(path)
        connection = connect(path)
        _check(connection, path)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise failures.translate(error, path) from error
    except errors.StoreError:
        if connection is not None:
            connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not tables and application_id == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
        return
    if application_id != APPLICATION_ID:
        raise errors.Corrupt(f"{path} is a database of another program: name another file")
    if found > FORMAT:
        raise errors.Corrupt(f"{path} has format {found}, newer than this version reads: use a newer one")
    if found < FORMAT:
        _migrate(connection, path, found)
    if not {"revisions", "compaction"} <= tables:
        raise errors.Corrupt(failures.damaged(path, "tables are missing"))
    if connection.execute("SELECT count(*) FROM compaction").fetchone()[0] != 1:
        raise errors.Corrupt(failures.damaged(path, "a row is missing"))


def _check_acknowledged(path: Path) -> None:
    """Before anything is opened for writing: that would tidy up a damaged log, and with it what may be saved.

    Raises Corrupt, or sqlite3.Error."""
    with contextlib.closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    ) as connection:
        found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        known = {"revisions", "compaction"} <= {row[0] for row in found}
        # What is no database of ours has no revisions; other checks speak of that.
        current = log.bounds(connection).current if known else 0 if found else 1
    if current:
        acknowledged.check(path, current)


def _migrate(connection: sqlite3.Connection, path: Path, found: int) -> None:
    """To FORMAT, in one transaction, after a backup beside the file that is kept. Raises StoreError."""
    missing = [number for number in range(found, FORMAT) if number not in MIGRATIONS]
    if missing:
        raise errors.Corrupt(f"{path} has format {found}, which this version can't read: use an older one")
    kept = path.with_name(f"{path.name}.format-{found}")
    if not kept.exists():
        backup.write(connection, kept)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(found, FORMAT):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise
    _log.warning("%s: brought from format %d to %d; as it was: %s", path, found, FORMAT, kept)
