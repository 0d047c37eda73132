"""Compaction makes rows go: superseded ones and tombstones, in slices, and after a sweep was cut short."""

import random
import sqlite3
from pathlib import Path

import pytest

from strongroom.store.engines.sqlite import compactor, schema


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    connection = schema.open_database(tmp_path / "store.db")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def insert(connection: sqlite3.Connection, rows: list[tuple[int, str, int]]) -> None:
    """(revision, key, version); version 0 is a deletion."""
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO revisions VALUES (?, ?, 0, ?, x'00')", rows)
    connection.execute("COMMIT")


def revisions(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT revision FROM revisions ORDER BY revision")]


def compact(connection: sqlite3.Connection, revision: int) -> int:
    """Slices that it took."""
    compactor.mark(connection, revision)
    sweep = compactor.Sweep.pending(connection)
    slices = 1
    while sweep.step(connection):
        slices += 1
    return slices


def test_superseded_rows_and_tombstones_go(connection: sqlite3.Connection) -> None:
    insert(connection, [(2, "a", 1), (3, "a", 2), (4, "b", 1), (5, "b", 0), (6, "c", 1), (7, "a", 3)])
    compact(connection, 6)
    assert revisions(connection) == [3, 6, 7]
    compact(connection, 7)
    assert revisions(connection) == [6, 7]
    connection.close()


def test_tombstone_at_the_mark_stays_until_the_next_compaction(connection: sqlite3.Connection) -> None:
    insert(connection, [(2, "a", 1), (3, "a", 0)])
    compact(connection, 3)
    assert revisions(connection) == [3]
    insert(connection, [(4, "b", 1)])
    compact(connection, 4)
    assert revisions(connection) == [4]
    connection.close()


def test_mark_does_not_go_back(connection: sqlite3.Connection) -> None:
    insert(connection, [(n, "a", n) for n in range(2, 10)])
    compact(connection, 8)
    compact(connection, 5)
    assert compactor.Sweep.pending(connection) == compactor.Sweep(8, 8)
    connection.close()


def test_sweep_is_sliced_and_goes_on_where_it_was_cut_short(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compactor, "SLICE", 10)
    insert(connection, [(n, f"k{n % 3}", n) for n in range(2, 102)])
    compactor.mark(connection, 90)
    sweep = compactor.Sweep.pending(connection)
    assert sweep.step(connection) and sweep.step(connection)
    again = compactor.Sweep.pending(connection)
    assert again == compactor.Sweep(21, 90)
    assert compact(connection, 90) == 7
    assert revisions(connection) == list(range(88, 102))
    connection.close()


def test_what_stays_is_what_reads_at_the_mark_and_later_need(connection: sqlite3.Connection) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    chosen = random.Random(seed)
    rows: list[tuple[int, str, int]] = []
    for revision in range(2, 400):
        rows.append((revision, f"k{chosen.randrange(12)}", chosen.choice([0, 1, 2])))
    insert(connection, rows)
    for mark in sorted(chosen.sample(range(2, 400), 5)):
        compact(connection, mark)
        newest = {key: (revision, version) for revision, key, version in rows if revision <= mark}
        kept = {revision for revision, version in newest.values() if version or revision == mark}
        assert revisions(connection) == sorted(kept | set(range(mark + 1, 400)))
    connection.close()
