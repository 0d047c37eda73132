"""The questions put to the log of revisions, each answered from one snapshot. Functions of a connection."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Final, NamedTuple

import orjson

from strongroom.store import errors
from strongroom.store.engine import EngineEvent, KeyValue, Range, end_of


class Bounds(NamedTuple):
    """`current`: the newest revision. `compacted`: the oldest that can be asked for."""

    current: int
    compacted: int


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[Bounds]:
    """All reads inside see the same state of the log, and `Bounds` is of that state."""
    connection.execute("BEGIN")
    try:
        yield bounds(connection)
    finally:
        connection.execute("COMMIT")


def bounds(connection: sqlite3.Connection) -> Bounds:
    """Compaction never removes the newest row, so the counter can't go back."""
    current, compacted = connection.execute(
        "SELECT coalesce((SELECT max(revision) FROM revisions), 1), compacted FROM compaction"
    ).fetchone()
    return Bounds(current, compacted)


def _resolve(revision: int, known: Bounds) -> int:
    if revision > known.current:
        raise errors.FutureRevision(revision, known.current)
    if revision and revision < known.compacted:
        raise errors.Compacted(revision, known.compacted)
    return revision or known.current


def get(connection: sqlite3.Connection, key: str, revision: int) -> tuple[KeyValue | None, int]:
    """The key as of `revision` (0: newest), and the snapshot's revision."""
    with snapshot(connection) as known:
        at = _resolve(revision, known)
        row = connection.execute(
            "SELECT key, value, create_revision, revision, version FROM revisions"
            " WHERE key = ? AND revision <= ? ORDER BY revision DESC LIMIT 1",
            (key, at),
        ).fetchone()
    return (KeyValue._make(row) if row is not None and row[4] else None), known.current


_LIVE: Final = (
    "SELECT key, max(revision) AS newest, version FROM revisions INDEXED BY revisions_of_key"
    " WHERE key >= ? AND key < ? AND revision <= ? GROUP BY key"
)


def range_(
    connection: sqlite3.Connection, prefix: str, start: str, limit: int, revision: int, exact_count: bool
) -> tuple[Range, int]:
    """As `Engine.range`, and the newest revision of the same snapshot."""
    with snapshot(connection) as known:
        at = _resolve(revision, known)
        span = (max(prefix, start), end_of(prefix), at)
        rows = connection.execute(
            f"SELECT r.key, r.value, r.create_revision, r.revision, r.version FROM ({_LIVE}"  # noqa: S608
            " HAVING version > 0 ORDER BY key LIMIT ?) AS live"
            " CROSS JOIN revisions AS r ON r.revision = live.newest",
            (*span, limit + 1 if limit else -1),
        ).fetchall()
        count = len(rows)
        if limit:
            del rows[limit:]
        if exact_count and count > len(rows):
            after = (rows[-1][0] + "\0", *span[1:])
            count = (
                len(rows)
                + connection.execute(
                    f"SELECT count(*) FROM ({_LIVE} HAVING version > 0)",  # noqa: S608
                    after,
                ).fetchone()[0]
            )
    rows.sort(key=itemgetter(0))
    return Range([KeyValue._make(row) for row in rows], count, at), known.current


def history(
    connection: sqlite3.Connection, prefix: str, after: int, upto: int, limit: int
) -> Sequence[EngineEvent]:
    """Writes with after < revision <= upto under `prefix`, oldest first. Compacted when some may be gone."""
    with snapshot(connection) as known:
        if after + 1 < known.compacted:
            raise errors.Compacted(after, known.compacted - 1)
        rows = connection.execute(
            "SELECT key, value, create_revision, revision, version FROM revisions"
            " WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY revision LIMIT ?",
            (after, upto, prefix, end_of(prefix), limit),
        ).fetchall()
    return [EngineEvent(KeyValue._make(row), row[4] == 0) for row in rows]


def stored(connection: sqlite3.Connection, prefix: str, after: int, limit: int) -> Sequence[KeyValue]:
    """All rows with a value and a revision > `after` under `prefix`, superseded ones too, oldest first."""
    rows = connection.execute(
        "SELECT key, value, create_revision, revision, version FROM revisions"
        " WHERE revision > ? AND version > 0 AND key >= ? AND key < ? ORDER BY revision LIMIT ?",
        (after, prefix, end_of(prefix), limit),
    ).fetchall()
    return [KeyValue._make(row) for row in rows]


def is_swept(connection: sqlite3.Connection) -> bool:
    """Whether all that compaction has marked is removed."""
    swept: int = connection.execute("SELECT swept >= compacted FROM compaction").fetchone()[0]
    return bool(swept)


def states(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """key -> (mod_revision, create_revision, version) of its newest row; (0, 0, 0) when it has none.

    One statement that yields one row: each step of a statement lets go of the interpreter lock, and taking it
    back from a busy event loop costs more than the query."""
    answer = connection.execute(
        "SELECT json_group_array(json_array(asked.value, r.revision, r.create_revision, r.version))"
        " FROM json_each(?) AS asked LEFT JOIN revisions AS r ON r.revision ="
        " (SELECT max(revision) FROM revisions INDEXED BY revisions_of_key WHERE key = asked.value)",
        (orjson.dumps(keys).decode(),),
    ).fetchone()[0]
    return {
        key: (mod or 0, created or 0, version or 0) for key, mod, created, version in orjson.loads(answer)
    }
