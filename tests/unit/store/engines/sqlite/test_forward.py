"""A database's revisions go on further than where it ended; nobody is told of the past wrongly."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from strongroom.store import errors
from strongroom.store.engine import KeyValue
from strongroom.store.engines.sqlite import SQLiteEngine, forward, restore
from strongroom.testing.engine_contract.base import running, take, watching

FAR = 1_000_000_000


async def test_restored_revisions_were_never_handed_out(tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second" / "second.db"
    async with running(lambda: SQLiteEngine(first)) as engine:
        kept = await engine.create("/registry/a", b"1")
        revision = await engine.create("/registry/b", b"1")
        revision = await engine.update("/registry/b", b"superseded", revision)
        await engine.update("/registry/b", b"newest", revision)
        gone = await engine.create("/registry/gone", b"1")
        ended = await engine.delete("/registry/gone", gone)
    with restore.verified(first) as connection:
        restore.place(connection, second, ended + FAR)
    async with running(lambda: SQLiteEngine(second)) as engine:
        assert await engine.current_revision() == ended + FAR
        found = (await engine.range("/registry/")).items
        assert [(kv.key, kv.value) for kv in found] == [("/registry/a", b"1"), ("/registry/b", b"newest")]
        assert found[0].mod_revision == kept, "an object keeps its own"
        for past in (1, kept, ended, ended + 1000, ended + FAR - 2):
            with pytest.raises(errors.Compacted):
                async with watching(engine, "/registry/", past) as events:
                    await anext(events)
        with pytest.raises(errors.Compacted):
            await engine.range("/registry/", revision=ended)
        async with watching(engine, "/registry/", ended + FAR) as events:
            assert await engine.update("/registry/a", b"2", kept) == ended + FAR + 1
            assert [event.kv.value for event in await take(events, 1)] == [b"2"]
        await engine.compact(ended + FAR + 1)
        assert isinstance(engine, SQLiteEngine)
        await engine.settle()
        assert await engine.create("/registry/gone", b"again") == ended + FAR + 2
    async with running(lambda: SQLiteEngine(second)) as engine:
        assert await engine.current_revision() == ended + FAR + 2
    with contextlib.closing(sqlite3.connect(second)) as connection:
        values = [row[0] for row in connection.execute("SELECT value FROM revisions ORDER BY revision")]
        assert b"superseded" not in values and len(values) == 3


async def test_a_written_database_keeps_each_revision(tmp_path: Path) -> None:
    rows = [KeyValue("/registry/a", b"1", 5, 9, 3), KeyValue("/registry/b", b"2", 7, 7, 1)]
    forward.write(tmp_path / "newest-elsewhere.db", rows, 20)
    forward.write(tmp_path / "newest-here.db", rows, 9)
    for name, revision in (("newest-elsewhere.db", 20), ("newest-here.db", 9)):
        async with running(lambda name=name: SQLiteEngine(tmp_path / name)) as engine:  # type: ignore[misc]
            assert await engine.current_revision() == revision
            assert list((await engine.range("/registry/")).items) == rows
            assert await engine.update("/registry/a", b"2", 9) == revision + 1
            with pytest.raises(errors.Compacted):
                await engine.get("/registry/a", revision - 1)
