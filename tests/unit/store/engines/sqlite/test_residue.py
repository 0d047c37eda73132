"""Bytes of deleted rows in a database file: found, and gone once the file is written anew."""

import os
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.store.engines.sqlite import compactor, residue, schema


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "store.db")
    connection.execute("PRAGMA synchronous = OFF")
    yield connection
    connection.close()


def churn(connection: sqlite3.Connection, rounds: int) -> None:
    """Writes of many sizes, deletions, compactions."""
    chosen = random.Random(5)
    revision, live = 1, dict[str, int]()
    for _ in range(rounds):
        connection.execute("BEGIN")
        for _ in range(1500):
            key = f"/registry/secrets/{chosen.randrange(300)}"
            revision += 1
            version = 0 if key in live and chosen.random() < 0.2 else live.get(key, 0) + 1
            live[key] = version
            value = os.urandom(chosen.choice([100, 700, 3000, 9000])) if version else b""
            row = (revision, key, 0, version, value)
            connection.execute("INSERT INTO revisions VALUES (?, ?, ?, ?, ?)", row)
        connection.execute("COMMIT")
        compactor.mark(connection, revision)
        sweep = compactor.Sweep.pending(connection)
        while sweep.step(connection):
            pass


def settled(connection: sqlite3.Connection, path: Path) -> residue.Residue:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return residue.examine(path)


def test_churn_leaves_bytes_and_a_file_written_anew_has_none(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    path = tmp_path / "store.db"
    assert settled(connection, path).dirty_bytes == 0
    # What SQLite 3.40 leaves with `secure_delete`, and 3.46 no longer, is left by any version without it.
    connection.execute("PRAGMA secure_delete = OFF")
    churn(connection, 4)
    found = settled(connection, path)
    assert found.dirty_bytes > 0 < found.dirty_pages
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("VACUUM")
    found = settled(connection, path)
    assert (found.dirty_pages, found.dirty_bytes) == (0, 0)
    assert found.pages == path.stat().st_size // 4096


def test_content_that_is_deleted_without_being_overwritten_is_found(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    connection.execute("PRAGMA secure_delete = OFF")
    for size in (500, 20_000):
        connection.execute("INSERT INTO revisions VALUES (?, ?, 1, 1, ?)", (size, "/a", b"x" * size))
    path = tmp_path / "store.db"
    assert settled(connection, path).dirty_bytes == 0, "what is live is no residue, also in overflow pages"
    connection.execute("DELETE FROM revisions WHERE revision = 500")
    assert settled(connection, path).dirty_bytes > 400
    connection.execute("DELETE FROM revisions")
    found = settled(connection, path)
    assert found.dirty_bytes > 16_000 and found.dirty_pages > 4, "free pages count"


def test_another_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(5000))
    with pytest.raises(ValueError, match="not an SQLite database"):
        residue.examine(tmp_path / "file")
