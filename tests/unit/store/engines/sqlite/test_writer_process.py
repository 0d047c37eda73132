"""The writer as a process: what the engine sees when it is killed, and what crosses between the two."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from strongroom.store import errors
from strongroom.store.engines.sqlite import SQLiteEngine, child
from strongroom.store.engines.sqlite.writer_process import WriterProcess
from strongroom.testing.engine_contract.base import take, watching


async def _opened(path: Path) -> tuple[SQLiteEngine, WriterProcess]:
    engine = SQLiteEngine(path, own_process=True)
    await engine.start()
    assert isinstance(engine._writer, WriterProcess)
    return engine, engine._writer


async def until_started(engine: SQLiteEngine, lost: WriterProcess) -> None:
    async with asyncio.timeout(20):
        while engine._writer is lost:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)


async def test_a_killed_writer_is_replaced_and_reads_go_on_meanwhile(tmp_path: Path) -> None:
    engine, writer = await _opened(tmp_path / "store.db")
    await engine.create("/registry/a", b"one")
    assert writer._process is not None
    os.kill(writer._process.pid, signal.SIGKILL)
    await writer._ended.wait()
    with pytest.raises(errors.Unavailable, match="the process that writes has ended"):
        await engine.create("/registry/b", b"two")
    found = await engine.get("/registry/a")
    assert found is not None and found.value == b"one"
    await until_started(engine, writer)
    assert await engine.create("/registry/b", b"two") == 3
    await engine.close()


async def test_watch_misses_nothing_of_a_writer_that_was_killed(tmp_path: Path) -> None:
    engine, _ = await _opened(tmp_path / "store.db")
    async with watching(engine, "/registry/", 1) as events:
        acknowledged: dict[int, str] = {}
        for kill in range(3):
            current = engine._writer
            assert isinstance(current, WriterProcess) and current._process is not None
            writes = {f"/registry/{kill}-{n}": b"" for n in range(50)}
            under_way = asyncio.gather(*[engine.create(key, b"v") for key in writes], return_exceptions=True)
            await asyncio.sleep(0.001 * kill)
            os.kill(current._process.pid, signal.SIGKILL)
            for key, outcome in zip(writes, await under_way, strict=True):
                if isinstance(outcome, int):
                    acknowledged[outcome] = key
                else:
                    assert "may or may not have happened" in str(outcome)
            await until_started(engine, current)
        last = await engine.create("/registry/last", b"")
        seen = await take(events, last - 1)
    assert [event.kv.mod_revision for event in seen] == list(range(2, last + 1))
    told = {event.kv.mod_revision: event.kv.key for event in seen}
    assert acknowledged.items() <= told.items()
    assert (await engine.range("/registry/")).count == len(seen)
    await engine.close()


async def test_a_closed_engine_leaves_no_process(tmp_path: Path) -> None:
    engine, writer = await _opened(tmp_path / "store.db")
    await engine.create("/registry/a", b"one")
    await engine.close()
    assert writer._process is not None and writer._process.returncode == 0


async def test_the_writer_outlasts_the_signals_of_a_terminal(tmp_path: Path) -> None:
    engine, writer = await _opened(tmp_path / "store.db")
    await engine.create("/registry/a", b"one")
    assert writer._process is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(writer._process.pid, number)
    assert await engine.create("/registry/b", b"two") == 3
    await engine.close()


@pytest.mark.parametrize(
    "error",
    [
        errors.KeyExists("/registry/a"),
        errors.RevisionConflict("/registry/a", 2, 3),
        errors.FutureRevision(9, 3),
        errors.Unavailable("the disk is full"),
        errors.Corrupt("damaged"),
    ],
)
def test_errors_cross_as_they_are(error: errors.StoreError) -> None:
    found = child.restore(*child.describe(error))
    assert type(found) is type(error)
    assert (str(found), vars(found)) == (str(error), vars(error))
