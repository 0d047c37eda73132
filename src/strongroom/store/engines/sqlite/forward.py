"""A database whose revisions go on further than where it ended, so that none is handed out a second time."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from strongroom.store.engine import KeyValue
from strongroom.store.engines.sqlite import compactor, log, schema

_KEY: Final = "/strongroom/forward"
"""A deletion of this key holds the revision, as the newest write does otherwise."""

_ROWS: Final = "INSERT INTO revisions (key, value, create_revision, revision, version) VALUES (?, ?, ?, ?, ?)"


def put(connection: sqlite3.Connection, revision: int) -> None:
    """Make `revision`, beyond all others, the newest, and the oldest that can be asked for.

    So whoever comes with an older one is told to begin anew. Raises sqlite3.Error."""
    connection.execute("PRAGMA secure_delete = ON")
    compactor.mark(connection, log.bounds(connection).current)
    sweep = compactor.Sweep.pending(connection)
    while sweep.step(connection):
        pass
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM revisions WHERE version = 0")
    connection.execute(_ROWS, (_KEY, b"", 0, revision, 0))
    connection.execute("UPDATE compaction SET compacted = ?, swept = ?", (revision, revision))
    connection.execute("COMMIT")


def write(path: Path, rows: Iterable[KeyValue], revision: int) -> None:
    """A new database with these rows, at `revision`, which is none of an older one of theirs.

    Not durable yet. Raises StoreError, sqlite3.Error."""
    connection = schema.open_database(path)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_ROWS, rows)
        if log.bounds(connection).current < revision:
            connection.execute(_ROWS, (_KEY, b"", 0, revision, 0))
        connection.execute("UPDATE compaction SET compacted = ?, swept = ?", (revision, revision))
        connection.execute("COMMIT")
    finally:
        connection.close()
