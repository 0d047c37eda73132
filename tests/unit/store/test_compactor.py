"""Regular compaction: always to where the store was one interval ago."""

import asyncio

import pytest

from strongroom.store import errors
from strongroom.store.compactor import Compactor
from strongroom.store.engines.memory import MemoryEngine


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
