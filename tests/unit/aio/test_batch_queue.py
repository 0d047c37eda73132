"""A bounded queue with one consumer."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from strongroom.aio import tasks
from strongroom.aio.batch_queue import BatchQueue


async def started(group: tasks.TaskGroup, waiting: Coroutine[Any, Any, list[int]]) -> asyncio.Task[list[int]]:
    """The consumer's task, waiting."""
    task = group.spawn("consumer", waiting)
    await asyncio.sleep(0)
    return task


async def test_consumer_takes_all_that_waits_at_once() -> None:
    queue = BatchQueue[int](10)
    assert queue.push(1)
    assert queue.extend([2, 3])
    assert len(queue) == 3
    assert await anext(queue) == [1, 2, 3]
    assert len(queue) == 0


@pytest.mark.parametrize("many", [False, True])
async def test_waiting_consumer_is_woken(many: bool) -> None:
    queue = BatchQueue[int](10)
    async with tasks.TaskGroup("test") as group:
        task = await started(group, queue.__anext__())
        assert not task.done()
        assert queue.extend([1]) if many else queue.push(1)
        assert await task == [1]


async def test_finish_ends_after_what_waits() -> None:
    queue = BatchQueue[int](10)
    queue.push(1)
    queue.finish()
    queue.finish()
    assert queue.ended and not queue.was_cut
    assert not queue.push(2) and not queue.extend([2])
    assert [batch async for batch in queue] == [[1]]


async def test_push_beyond_the_limit_cuts_the_consumer() -> None:
    queue = BatchQueue[int](2)
    assert queue.push(1) and queue.push(2)
    assert not queue.push(3)
    assert queue.was_cut and queue.ended
    assert [batch async for batch in queue] == []


async def test_extend_beyond_the_limit_cuts_unless_it_is_a_replay() -> None:
    queue = BatchQueue[int](2)
    assert queue.extend([1, 2, 3], unbounded=True)
    assert await anext(queue) == [1, 2, 3]
    assert not queue.extend([1, 2, 3])
    assert queue.was_cut


async def test_cut_wakes_the_consumer_and_ends_it() -> None:
    queue = BatchQueue[int](2)
    async with tasks.TaskGroup("test") as group:
        task = await started(group, queue.__anext__())
        queue.cut()
        with pytest.raises(StopAsyncIteration):
            await task


async def test_cut_after_the_end_is_no_cut() -> None:
    queue = BatchQueue[int](2)
    queue.finish()
    queue.cut()
    assert not queue.was_cut


async def test_poke_gives_what_there_is() -> None:
    queue = BatchQueue[int](2)
    async with tasks.TaskGroup("test") as group:
        task = await started(group, queue.__anext__())
        queue.poke()
        assert await task == []
        queue.push(1)
        queue.poke()
        assert await anext(queue) == [1]
        assert not (await started(group, queue.__anext__())).done()


async def test_consumer_cancelled_twice_loses_nothing() -> None:
    queue = BatchQueue[int](10)
    async with tasks.TaskGroup("test") as group:
        for _ in range(2):
            task = await started(group, queue.__anext__())
            queue.push(1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            task.cancel()
            assert task.cancelled()
            assert await anext(queue) == [1]


async def test_second_consumer_is_refused() -> None:
    queue = BatchQueue[int](10)
    async with tasks.TaskGroup("test") as group:
        await started(group, queue.__anext__())
        with pytest.raises(RuntimeError):
            await anext(queue)
