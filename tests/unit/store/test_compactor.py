"""Regular compaction: always to where the store was one interval ago."""

import asyncio
import itertools
from pathlib import Path

import pytest

from strongroom.aio import tasks
from strongroom.store import errors
from strongroom.store.compactor import Compactor
from strongroom.store.engines.memory import MemoryEngine
from strongroom.store.engines.sqlite import SQLiteEngine
from strongroom.testing.engine_contract.base import running, take, watching


class Stop(Exception):
    """Ends the loop."""


async def test_compacts_to_the_revision_of_one_interval_ago() -> None:
    engine = MemoryEngine()
    await engine.start()
    slept: list[float] = []
    oldest: list[int] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        oldest.append(engine._compacted)
        if len(slept) == 4:
            raise Stop
        await engine.create(f"/registry/{len(slept)}", b"")

    with pytest.raises(Stop):
        await Compactor(engine, interval=300, sleep=sleep).run()
    assert slept == [300] * 4
    assert oldest == [1, 1, 2, 3]
    with pytest.raises(errors.Compacted):
        await engine.get("/registry/1", 2)


async def test_goes_on_when_the_engine_is_unavailable(caplog: pytest.LogCaptureFixture) -> None:
    engine = MemoryEngine()
    naps = 0

    async def sleep(_: float) -> None:
        nonlocal naps
        naps += 1
        if naps == 1:
            await engine.start()
            await engine.create("/registry/a", b"")
        if naps == 3:
            raise Stop

    with pytest.raises(Stop):
        await Compactor(engine, sleep=sleep).run()
    assert engine._compacted == 2
    assert "compaction failed: the store is closed" in caplog.text


async def test_can_be_cancelled_twice() -> None:
    engine = MemoryEngine()
    await engine.start()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(Compactor(engine).run())
        await asyncio.sleep(0)
        task.cancel()
        task.cancel()
    assert task.cancelled()


async def test_no_more_revisions_stay_than_are_to_be_kept_however_young_they_are() -> None:
    engine = MemoryEngine()
    await engine.start()
    slept: list[float] = []
    history: list[int] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        history.append(await engine.current_revision() - engine._compacted)
        if sum(slept) > 320:
            raise Stop
        for number in range(7):
            await engine.create(f"/registry/{len(history)}/{number}", b"")

    with pytest.raises(Stop):
        await Compactor(engine, interval=300, keep=20, sleep=sleep).run()
    assert set(slept) == {10.0}
    assert max(history) == history[25] == 20
    # Of age it is done besides: at 300 s to where it was then first looked at.
    slept.clear()
    with pytest.raises(Stop):
        await Compactor(engine, interval=300, keep=1_000_000, sleep=sleep).run()
    assert history[-1] > 20


async def test_writers_go_on_while_it_compacts_by_count(tmp_path: Path) -> None:
    """All are answered, watchers miss nothing, and the file holds what is to be kept and what lives."""
    keys, keep, rounds = 20, 300, 60
    async with running(lambda: SQLiteEngine(tmp_path / "store.db")) as engine:
        ended = asyncio.Event()

        async def sleep(_: float) -> None:
            if ended.is_set():
                raise Stop
            await asyncio.sleep(0.001)

        async def write(key: str) -> list[int]:
            made = [await engine.create(key, b"x" * 500)]
            for _ in range(rounds):
                made.append(await engine.update(key, b"x" * 500, made[-1]))
            return made

        async with watching(engine, "/registry/", 1) as events, tasks.TaskGroup("test") as group:
            total = keys * (rounds + 1)
            seen = group.spawn("watcher", take(events, total))
            await asyncio.sleep(0.05)  # it has begun
            compacting = group.spawn("compactor", Compactor(engine, keep=keep, sleep=sleep).run())
            written = await asyncio.gather(*(write(f"/registry/{number}") for number in range(keys)))
            assert sorted(itertools.chain(*written)) == list(range(2, total + 2)), "each is answered"
            assert [event.kv.mod_revision for event in await seen] == list(range(2, total + 2))
            ended.set()
            with pytest.raises(Stop):
                await compacting
        await engine.compact(await engine.current_revision() - keep)
        assert isinstance(engine, SQLiteEngine)
        await engine.settle(rewrite=False)
        rows = sum([len(page) async for page in engine.stored("/registry/")])
        assert keep <= rows <= keep + keys + 1
        with pytest.raises(errors.Compacted):
            await engine.get("/registry/0", 2)
