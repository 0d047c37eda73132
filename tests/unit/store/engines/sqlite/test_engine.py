"""What is SQLite's own: the owner of the file, groups, trouble with the disk and the file."""

import asyncio
import os
import re
import shutil
import sqlite3
import stat
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from strongroom.store import errors
from strongroom.store.engine import EngineEvent
from strongroom.store.engines.sqlite import SQLiteEngine, schema, writer
from strongroom.testing.engine_contract.base import running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


async def refusal(path: Path) -> errors.StoreError:
    engine = SQLiteEngine(path)
    with pytest.raises(errors.StoreError) as refused:
        await engine.start()
    await engine.close()
    with pytest.raises(errors.Unavailable):
        await engine.current_revision()
    return refused.value


async def test_second_owner_is_refused_until_the_first_has_closed(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)) as engine:
        refused = await refusal(path)
        assert isinstance(refused, errors.Unavailable)
        assert str(refused) == f"{path} is in use by another process"
        await engine.create("/registry/a", b"")
    async with running(lambda: SQLiteEngine(path)) as engine:
        assert await engine.current_revision() == 2


async def test_files_are_private(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)) as engine:
        await engine.create("/registry/a", b"")
        await engine.get("/registry/a")
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}
    names = ("store.db", "store.db-wal", "store.db-shm", "store.db.lock", "store.db.acknowledged")
    assert modes == dict.fromkeys(names, 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_commits_are_synchronous_and_deleted_content_is_overwritten(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)):
        connection = schema.connect(path)
        settings = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete")
        ]
        connection.close()
    assert settings == ["wal", 2, 1]


async def test_threads_and_descriptors_return_to_the_baseline(path: Path) -> None:
    await asyncio.to_thread(int)
    baseline = {thread.name for thread in threading.enumerate()}, len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        async with running(lambda: SQLiteEngine(path)) as engine:
            await asyncio.gather(*[engine.range("/registry/") for _ in range(8)])
        await refusal(Path("/dev/null/store.db"))
    now = {thread.name for thread in threading.enumerate()}, len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    assert {name for name in now[0] - baseline[0] if "sqlite" in name} == set()
    assert now[1] <= baseline[1] + 1


async def test_writes_that_wait_are_committed_as_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    started, first = threading.Event(), threading.Event()
    insert = writer.Writer._insert

    def slow_insert(self: writer.Writer, events: Sequence[EngineEvent]) -> None:
        groups.append(len(events))
        started.set()
        if len(groups) == 1:
            assert first.wait(10)
        insert(self, events)

    monkeypatch.setattr(writer.Writer, "_insert", slow_insert)
    async with running(lambda: SQLiteEngine(path)) as engine, asyncio.TaskGroup() as group:
        tasks = [group.create_task(engine.create("/registry/first", b""))]
        await asyncio.to_thread(started.wait, 10)
        tasks += [group.create_task(engine.create(f"/registry/{n}", b"%d" % n)) for n in range(200)]
        await asyncio.sleep(0)
        first.set()
        assert await asyncio.gather(*tasks) == list(range(2, 203))
        found = await engine.range("/registry/")
        assert found.count == 201
    assert groups == [1, 200]


async def test_chain_of_writes_to_one_key_in_one_group(path: Path) -> None:
    """Each decides on what the ones before it in the group have done."""
    async with running(lambda: SQLiteEngine(path)) as engine:
        results = await asyncio.gather(
            engine.create("/registry/a", b"1"),
            engine.create("/registry/a", b"2"),
            engine.update("/registry/a", b"3", 2),
            engine.delete("/registry/a", 3),
            engine.update("/registry/a", b"4", 3),
            engine.create("/registry/a", b"5"),
            return_exceptions=True,
        )
        kinds = [result if isinstance(result, int) else type(result).__name__ for result in results]
        assert kinds == [2, "KeyExists", 3, 4, "RevisionConflict", 5]
        found = await engine.get("/registry/a")
        assert found is not None and (found.value, found.version) == (b"5", 1)


async def test_cancelled_write_does_not_disturb_its_group(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)) as engine, asyncio.TaskGroup() as group:
        tasks = [group.create_task(engine.create(f"/registry/{n}", b"")) for n in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(result, int) for result in done) == 9
        assert await engine.create("/registry/after", b"") >= 11


async def test_full_disk_refuses_writes_answers_reads_and_recovers(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)) as engine:
        await engine.create("/registry/a", b"a")
        assert isinstance(engine, SQLiteEngine) and engine._connection is not None
        pages = engine._connection.execute("PRAGMA page_count").fetchone()[0]
        engine._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        big = bytes(100_000)
        results = await asyncio.gather(
            *[engine.create(f"/registry/{n}", big) for n in range(3)], return_exceptions=True
        )
        for result in results:
            assert isinstance(result, errors.Unavailable)
            assert str(result) == f"no space left to write {path}"
        found = await engine.range("/registry/")
        assert [kv.value for kv in found.items] == [b"a"]
        assert await engine.current_revision() == 2
        engine._connection.execute("PRAGMA max_page_count = 1000000")
        assert await engine.create("/registry/b", big) == 3


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
@pytest.mark.parametrize("own_process", [False, True])
async def test_file_system_that_runs_full_loses_nothing(tmp_path: Path, own_process: bool) -> None:
    mount = tmp_path / "mount"
    mount.mkdir()
    process = await asyncio.create_subprocess_exec(
        "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)
    )
    if await process.wait():
        pytest.skip("tmpfs can't be mounted here")
    try:
        path = mount / "store.db"
        filler = mount / "filler"
        async with running(lambda: SQLiteEngine(path, own_process=own_process)) as engine:
            await engine.create("/registry/first", bytes(1000))
            filler.write_bytes(bytes(500_000))
            written = 0
            with pytest.raises(errors.Unavailable):
                for n in range(1000):
                    await engine.create(f"/registry/k{n:04d}", bytes(5000))
                    written += 1
            assert (await engine.range("/registry/k")).count == written > 0
            filler.unlink()
            await engine.create(f"/registry/k{written:04d}", bytes(5000))
            assert await engine.current_revision() == written + 3
        async with running(lambda: SQLiteEngine(path, own_process=own_process)) as engine:
            assert (await engine.range("/registry/")).count == written + 2
    finally:
        process = await asyncio.create_subprocess_exec("umount", str(mount))
        await process.wait()


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(4000), bytes(8192)])
async def test_garbage_is_corrupt_and_says_what_to_do(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    refused = await refusal(path)
    assert isinstance(refused, errors.Corrupt)
    assert str(path) in str(refused)
    assert "restore a backup" in str(refused)
    assert path.read_bytes() == content


async def test_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    refused = await refusal(path)
    assert isinstance(refused, errors.Corrupt)
    assert str(refused) == f"{path} is a database of another program: name another file"


async def test_newer_format_is_refused(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    assert "use a newer one" in str(await refusal(path))


@pytest.mark.parametrize("table", ["revisions", "compaction"])
async def test_missing_table_is_corrupt(path: Path, table: str) -> None:
    async with running(lambda: SQLiteEngine(path)):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute(f"DROP TABLE {table}")
    connection.close()
    assert isinstance(await refusal(path), errors.Corrupt)


async def test_truncated_file_is_corrupt(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)) as engine:
        await asyncio.gather(*[engine.create(f"/registry/{n}", bytes(5000)) for n in range(20)])
    os.truncate(path, path.stat().st_size // 2)
    assert isinstance(await refusal(path), errors.Corrupt)


async def test_page_that_was_overwritten_is_corrupt_when_read(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)) as engine:
        await asyncio.gather(*[engine.create(f"/registry/{n:03d}", bytes(1000)) for n in range(200)])
    content = bytearray(path.read_bytes())
    for page in range(4, len(content) // 4096):
        content[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    path.write_bytes(content)
    engine = SQLiteEngine(path)
    try:
        with pytest.raises(errors.Corrupt) as refused:
            await engine.start()
            await engine.range("/registry/")
        assert str(path) in str(refused.value)
        assert re.search(r"(?i)page \d+", str(refused.value)), "it says where"
    finally:
        await engine.close()


async def test_path_that_can_not_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    refused = await refusal(tmp_path / "file" / "store.db")
    assert isinstance(refused, errors.Unavailable)
    (tmp_path / "directory").mkdir()
    assert isinstance(await refusal(tmp_path / "directory"), errors.Unavailable)


async def written(path: Path, count: int) -> None:
    """A database whose last owner was killed: all writes are in the write-ahead log."""
    folder = path.parent.with_name("killed")
    async with running(lambda: SQLiteEngine(path)) as engine:
        for number in range(count):
            await engine.create(f"/registry/{number}", bytes(3000))
        shutil.copytree(path.parent, folder)
    shutil.rmtree(path.parent)
    folder.rename(path.parent)


async def test_kill_loses_nothing_and_is_seen(path: Path) -> None:
    await written(path, 10)
    engine = SQLiteEngine(path)
    async with running(lambda: engine):
        assert engine.unclean
        assert await engine.current_revision() == 11
        assert await engine.check() == "" == engine.damage
    engine = SQLiteEngine(path)
    async with running(lambda: engine):
        assert not engine.unclean


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.9])
async def test_log_that_was_cut_short_is_refused_and_says_what_to_do(path: Path, kept: float) -> None:
    await written(path, 10)
    log = path.with_name("store.db-wal")
    whole = log.read_bytes()
    os.truncate(log, int(len(whole) * kept))
    refused = await refusal(path)
    assert isinstance(refused, errors.Corrupt)
    assert "revision 11 was acknowledged" in str(refused)
    assert "store.db-wal" in str(refused) and "strongroom restore FILE" in str(refused)
    assert whole.startswith(log.read_bytes()) and log.stat().st_size == int(len(whole) * kept)
    log.write_bytes(whole)
    async with running(lambda: SQLiteEngine(path)) as engine:
        assert await engine.current_revision() == 11


async def test_flipped_bit_in_the_log_is_refused(path: Path) -> None:
    await written(path, 10)
    log = path.with_name("store.db-wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 1
    log.write_bytes(content)
    assert "was acknowledged" in str(await refusal(path))
    assert log.read_bytes() == content, "what is left is left alone"


async def test_removed_database_is_not_begun_anew_in_silence(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)) as engine:
        await engine.create("/registry/a", b"a")
    path.unlink()
    assert "revision 2 was acknowledged" in str(await refusal(path))


async def test_check_finds_what_no_read_has_met(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)) as engine:
        await asyncio.gather(*[engine.create(f"/registry/{n:03d}", bytes(1000)) for n in range(200)])
    content = bytearray(path.read_bytes())
    page = len(content) // 4096 // 2
    content[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    path.write_bytes(content)
    engine = SQLiteEngine(path)
    async with running(lambda: engine):
        assert re.search(r"(?i)page \d+", await engine.check())
        assert engine.damage


async def test_settle_leaves_nothing_of_what_was_deleted(path: Path) -> None:
    async with running(lambda: SQLiteEngine(path)) as engine:
        assert isinstance(engine, SQLiteEngine)
        for number in range(300):
            await engine.create(f"/registry/{number}", f"deleted-{number}-".encode() * 50)
        for number in range(300):
            await engine.update(f"/registry/{number}", f"kept-{number}-".encode() * 50, number + 2)
        await engine.compact(await engine.current_revision())
        await engine.settle()
        for file in path.parent.iterdir():
            assert b"deleted-" not in file.read_bytes(), file
        assert path.with_name("store.db-wal").stat().st_size == 0
        assert (await engine.range("/registry/")).count == 300
        assert sum([len(page) async for page in engine.stored("/registry/")]) == 300
        assert await engine.create("/registry/after", b"") == 602


async def test_migration_keeps_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(lambda: SQLiteEngine(path)) as engine:
        await engine.create("/registry/a", b"a")
    statements = ("CREATE TABLE later (x)", "INSERT INTO later VALUES (7)")
    monkeypatch.setattr(schema, "FORMAT", 2)
    monkeypatch.setattr(schema, "MIGRATIONS", {1: ("CREATE TABLE later (x)", "nonsense")})
    assert isinstance(await refusal(path), errors.Unavailable)
    monkeypatch.setattr(schema, "MIGRATIONS", {1: statements})
    async with running(lambda: SQLiteEngine(path)) as engine:
        found = await engine.get("/registry/a")
        assert found is not None and found.value == b"a"
    kept = path.with_name("store.db.format-1")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    for file, formats, tables in ((path, 2, 3), (kept, 1, 2)):
        connection = sqlite3.connect(file)
        assert connection.execute("PRAGMA user_version").fetchone() == (formats,)
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE type='table'").fetchone() == (
            tables,
        )
        connection.close()


async def test_format_without_a_way_from_it_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(lambda: SQLiteEngine(path)):
        pass
    monkeypatch.setattr(schema, "FORMAT", 2)
    assert "use an older one" in str(await refusal(path))


async def test_a_group_of_any_size_is_stored_whole(path: Path) -> None:
    rows, total = writer.ROWS_PER_STATEMENT, 0
    async with running(lambda: SQLiteEngine(path)) as engine:
        for size in (1, rows - 1, rows, rows + 1, 2 * rows, 2 * rows + 1):
            names = [f"/registry/{size:03d}/{n:03d}" for n in range(size)]
            revisions = await asyncio.gather(*[engine.create(name, name.encode()) for name in names])
            total += size
            assert sorted(revisions) == list(range(total - size + 2, total + 2))
            found = await engine.range(f"/registry/{size:03d}/")
            assert [(kv.key, kv.value) for kv in found.items] == [(name, name.encode()) for name in names]
    async with running(lambda: SQLiteEngine(path)) as engine:
        assert (await engine.range("/registry/")).count == total
