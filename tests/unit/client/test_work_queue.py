"""Each key once at a time, at once or later."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.aio import clock, tasks
from strongroom.client import work_queue


class World:
    """A queue whose workers sleep on a clock turned by hand."""

    def __init__(self) -> None:
        self.clock = clock.FakeClock()
        self.timeouts: list[float | None] = []
        self.queue: work_queue.WorkQueue[str] = work_queue.WorkQueue(
            self.clock, first_delay=1, longest_delay=8, wait=self.wait
        )

    async def wait(self, event: asyncio.Event, timeout: float | None) -> None:
        self.timeouts.append(timeout)
        if timeout is None:
            await event.wait()
        else:
            self.clock.advance(timeout)


@pytest.fixture
def world() -> World:
    return World()


async def test_keys_come_in_the_order_they_were_added_each_once(world: World) -> None:
    for key in ("a", "b", "a"):
        world.queue.add(key)
    assert len(world.queue) == 2
    assert [await world.queue.get(), await world.queue.get()] == ["a", "b"]
    assert world.timeouts == []


async def test_a_key_added_during_its_work_comes_again_after_it(world: World) -> None:
    world.queue.add("a")
    await world.queue.get()
    world.queue.add("a")
    assert len(world.queue) == 0
    assert not world.queue.idle
    world.queue.done("a")
    assert await world.queue.get() == "a"
    world.queue.done("a")
    assert world.queue.idle


async def test_a_worker_waits_without_a_timer_for_the_next_key(world: World) -> None:
    async with tasks.TaskGroup("test") as group:
        worker = group.spawn("worker", world.queue.get())
        await asyncio.sleep(0)
        assert world.timeouts == [None]
        world.queue.add("a")
        assert await worker == "a"


async def test_later_keys_come_at_their_time(world: World) -> None:
    world.queue.add_after("b", 5)
    world.queue.add_after("a", 2)
    world.queue.add_after("now", 0)
    assert await world.queue.get() == "now"
    assert await world.queue.get() == "a"
    assert world.clock.monotonic() == 2
    assert await world.queue.get() == "b"
    assert world.timeouts == [2, 3]


async def test_of_several_times_the_earliest_counts(world: World) -> None:
    for seconds in (5, 2, 9):
        world.queue.add_after("a", seconds)
    assert await world.queue.get() == "a"
    world.queue.done("a")
    assert world.clock.monotonic() == 2
    world.clock.advance(20)
    world.queue.add("end")
    assert await world.queue.get() == "end", "the other times are forgotten"


async def test_a_worker_that_sleeps_long_is_woken_for_an_earlier_time() -> None:
    queue: work_queue.WorkQueue[str] = work_queue.WorkQueue(clock.SystemClock())
    queue.add_after("late", 60)
    async with tasks.TaskGroup("test") as group:
        worker = group.spawn("worker", queue.get())
        await asyncio.sleep(0)
        queue.add_after("soon", 0.001)
        assert await asyncio.wait_for(worker, 5) == "soon"


async def test_retries_wait_longer_each_time_until_forgotten(world: World) -> None:
    times = []
    for _ in range(6):
        world.queue.retry("a")
        start = world.clock.monotonic()
        await world.queue.get()
        world.queue.done("a")
        times.append(world.clock.monotonic() - start)
    assert all(
        step / 2 - 1e-9 <= time <= step + 1e-9 for step, time in zip((1, 2, 4, 8, 8, 8), times, strict=True)
    )
    world.queue.forget("a")
    world.queue.retry("a")
    start = world.clock.monotonic()
    await world.queue.get()
    assert world.clock.monotonic() - start <= 1


async def test_workers_never_share_a_key(world: World) -> None:
    working: set[str] = set()
    handled: list[str] = []

    async def work() -> None:
        while True:
            key = await world.queue.get()
            assert key not in working
            working.add(key)
            await asyncio.sleep(0)
            working.discard(key)
            handled.append(key)
            world.queue.done(key)

    async with tasks.TaskGroup("test") as group:
        workers = [group.spawn(f"{n}", work()) for n in range(4)]
        for _ in range(5):
            for key in "abc":
                world.queue.add(key)
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert world.queue.idle
        for worker in workers:
            worker.cancel()
            worker.cancel()
        await asyncio.wait(workers)
    assert not group.failed.is_set()
    assert set(handled) == {"a", "b", "c"}


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["add", "get", "done"]))))
def test_nothing_added_is_ever_lost(steps: list[tuple[str, str]]) -> None:
    async def scenario() -> None:
        queue: work_queue.WorkQueue[str] = work_queue.WorkQueue(clock.FakeClock())
        wanted: set[str] = set()
        working: set[str] = set()
        for key, step in steps:
            if step == "add":
                queue.add(key)
                wanted.add(key)
            elif step == "get" and len(queue):
                taken = await queue.get()
                assert taken in wanted
                assert taken not in working
                wanted.discard(taken)
                working.add(taken)
            elif step == "done" and key in working:
                queue.done(key)
                working.discard(key)
        for key in working:
            queue.done(key)
        while len(queue):
            wanted.discard(await queue.get())
        assert wanted == set()

    asyncio.run(scenario())


async def test_the_most_urgent_key_is_taken_first() -> None:
    queue: work_queue.WorkQueue[str] = work_queue.WorkQueue(clock.FakeClock(), urgency=len)
    for key in ("a", "ccc", "b", "dd"):
        queue.add(key)
    assert len(queue) == 4
    assert [await queue.get() for _ in range(4)] == ["ccc", "dd", "a", "b"]


async def test_what_a_queue_does_is_counted(world: World) -> None:
    counts = world.queue.counts
    for key in ("a", "b", "a"):
        world.queue.add(key)
    world.clock.advance(2)
    assert (counts.added, counts.depth) == (2, 2)
    assert await world.queue.get() == "a"
    world.queue.add("a")
    world.clock.advance(3)
    world.queue.done("a")
    world.queue.retry("b")
    assert (counts.added, counts.depth, counts.retried) == (3, 2, 1)
    assert (counts.waited.total, counts.worked.total) == (2.0, 3.0)
    assert await world.queue.get() == "b"
    assert counts.longest(world.clock.monotonic() + 1) == 1
