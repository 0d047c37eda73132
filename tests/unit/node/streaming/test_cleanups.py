"""Clean-up work outlives whoever asked for it."""

import asyncio

import pytest

from strongroom.node.streaming import cleanups


async def test_a_cancelled_caller_leaves_but_the_work_goes_on() -> None:
    pending = cleanups.Cleanups("test")
    begun, finish, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await finish.wait()
        done.set()

    async with asyncio.TaskGroup() as group:
        caller = group.create_task(pending.finish("work", work()))
        await begun.wait()
        caller.cancel()
    assert caller.cancelled() and not done.is_set()
    finish.set()
    await pending.aclose(patience=1)
    assert done.is_set()


async def test_work_that_takes_too_long_is_cancelled() -> None:
    pending = cleanups.Cleanups("test")
    async with asyncio.TaskGroup() as group:
        caller = group.create_task(_swallow(pending))
        await asyncio.sleep(0)
        await pending.aclose(patience=0)
    assert caller.result() == "cancelled"


async def _swallow(pending: cleanups.Cleanups) -> str:
    with pytest.raises(asyncio.CancelledError):
        await pending.finish("endless", asyncio.Event().wait())  # type: ignore[arg-type]
    return "cancelled"
