"""One resource in memory: reads, history, and who is told of a change."""

import asyncio
from typing import Any

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.store import errors, resource_cache
from strongroom.store.entry import ADDED, DELETED, MODIFIED, CacheEvent
from strongroom.store.objects import Stored, StoredEvent
from strongroom.store.resource_cache import ResourceCache, Subscription

HEAD = b'{"kind":"Secret","apiVersion":"v1",'
PREFIX = "/registry/secrets/"


class Feed:
    """A cache, and writes into it as the engine's watch would bring them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.cache = ResourceCache(PREFIX, HEAD, self.clock)
        self.revision = 1
        self.cache.replace([], 1)

    def put(self, name: str, **more: Any) -> int:
        self.revision += 1
        data = HEAD + b'"metadata":{"name":"x"}}'
        self.cache.apply(StoredEvent(Stored(PREFIX + name, data, 2, self.revision, **more), False))
        return self.revision

    def delete(self, name: str) -> int:
        self.revision += 1
        self.cache.apply(StoredEvent(Stored(PREFIX + name, b"", 0, self.revision), True))
        return self.revision


async def told(subscription: Subscription) -> list[tuple[str, str, int]]:
    """What waits, without waiting."""
    subscription.poke()
    return [
        (event.type, event.entry.key.removeprefix(PREFIX), event.revision)
        for event in await anext(subscription)
    ]


def test_reads() -> None:
    feed = Feed()
    for name in ("b/2", "a/1", "b/1", "a-/1", "c/1"):
        feed.put(name)
    cache = feed.cache

    def names(prefix: str = "", **options: Any) -> list[str]:
        return [entry.key.removeprefix(PREFIX) for entry in cache.entries(prefix, **options)]

    assert names() == ["a-/1", "a/1", "b/1", "b/2", "c/1"]
    assert names(PREFIX + "b/") == ["b/1", "b/2"]
    assert names(PREFIX + "a/") == ["a/1"]
    assert names(PREFIX + "d/") == []
    assert names(limit=2) == ["a-/1", "a/1"]
    assert names(start=PREFIX + "b/1", limit=2) == ["b/1", "b/2"]
    assert names(start=PREFIX + "b/1\0") == ["b/2", "c/1"]
    assert names(PREFIX + "b/", start=PREFIX + "c/") == []
    assert cache.count() == 5
    assert cache.count(PREFIX + "b/") == 2
    assert cache.count(PREFIX + "b/", start=PREFIX + "b/2") == 1
    assert cache.count(PREFIX + "b/", start=PREFIX + "c/") == 0
    found = cache.get(PREFIX + "b/1")
    assert found is not None and found.revision == 4
    feed.delete("b/1")
    assert cache.get(PREFIX + "b/1") is None
    assert names(PREFIX + "b/") == ["b/2"]
    assert cache.revision == 7


async def test_each_watcher_is_told_of_its_own() -> None:
    feed = Feed()
    everything = feed.cache.subscribe()
    whole = feed.cache.subscribe(prefix=PREFIX)
    namespace = feed.cache.subscribe(prefix=PREFIX + "a/")
    one = feed.cache.subscribe(key=PREFIX + "a/1")
    feed.put("a/1")
    feed.put("a/1")
    feed.put("a/2")
    feed.put("ab/1")
    feed.delete("a/1")
    mine = [(ADDED, "a/1", 2), (MODIFIED, "a/1", 3), (DELETED, "a/1", 6)]
    assert await told(one) == mine
    assert await told(namespace) == [*mine[:2], (ADDED, "a/2", 4), mine[2]]
    all_events = [*mine[:2], (ADDED, "a/2", 4), (ADDED, "ab/1", 5), mine[2]]
    assert await told(everything) == await told(whole) == all_events


async def test_all_watchers_share_one_frame() -> None:
    feed = Feed()
    one, other = feed.cache.subscribe(), feed.cache.subscribe(key=PREFIX + "a/1")
    feed.put("a/1")
    first, second = (await anext(one))[0], (await anext(other))[0]
    assert first is second
    assert first.frame is second.frame


async def test_deletion_of_what_is_not_there_is_no_event() -> None:
    feed = Feed()
    watcher = feed.cache.subscribe()
    feed.delete("a/1")
    assert await told(watcher) == []


@pytest.mark.parametrize("since", range(1, 9))
async def test_replay_is_what_came_after(since: int) -> None:
    feed = Feed()
    live = feed.cache.subscribe()
    for name in ("a/1", "b/1", "a/1", "a/2", "b/1"):
        feed.put(name)
    feed.delete("a/1")
    feed.delete("b/1")
    events = await told(live)
    whole, namespace, one = (
        feed.cache.subscribe(since=since),
        feed.cache.subscribe(since=since, prefix=PREFIX + "a/"),
        feed.cache.subscribe(since=since, key=PREFIX + "b/1"),
    )
    after = [event for event in events if event[2] > since]
    assert await told(whole) == after
    assert await told(namespace) == [event for event in after if event[1].startswith("a/")]
    assert await told(one) == [event for event in after if event[1] == "b/1"]
    feed.put("b/1")
    assert await told(whole) == await told(one) == [(ADDED, "b/1", 9)]


async def test_history_of_75_seconds_is_kept_and_then_goes() -> None:
    feed = Feed()
    for n in range(200):
        feed.put(f"a/{n}")
    feed.clock.advance(75)
    feed.put("a/x")
    assert feed.cache.oldest == 1
    assert len(await told(feed.cache.subscribe(since=1))) == 201
    feed.clock.advance(1)
    last = feed.put("a/y")
    assert feed.cache.oldest == last - resource_cache.HISTORY_MINIMUM
    assert len(await told(feed.cache.subscribe(since=feed.cache.oldest))) == resource_cache.HISTORY_MINIMUM
    with pytest.raises(errors.Compacted) as refused:
        feed.cache.subscribe(since=feed.cache.oldest - 1)
    assert refused.value.oldest == feed.cache.oldest


async def test_history_is_bounded_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_cache, "HISTORY_LIMIT", 150)
    feed = Feed()
    for n in range(1000):
        feed.put(f"a/{n % 7}")
    assert feed.cache.oldest == feed.revision - 150
    assert len(await told(feed.cache.subscribe(since=feed.cache.oldest))) == 150


async def test_frames_of_old_changes_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_cache, "FRAMES_KEPT", 3)
    feed = Feed()
    watcher = feed.cache.subscribe()
    frames = []
    for n in range(6):
        feed.put(f"a/{n}")
        frames += [event.frame for event in await anext(watcher)]
    again = await anext(feed.cache.subscribe(since=1))
    assert [event.frame for event in again] == frames
    assert [event.frame is frame for event, frame in zip(again, frames, strict=True)] == [False] * 3 + [
        True
    ] * 3


async def test_slow_watcher_is_cut_and_resumes_without_loss() -> None:
    feed = Feed()
    slow = feed.cache.subscribe(maxsize=10)
    fast = feed.cache.subscribe(maxsize=10)
    seen: list[tuple[str, str, int]] = []
    feed.put("a/first")
    first = await told(slow)
    for n in range(30):
        feed.put(f"a/{n}")
        seen += await told(fast)
    assert slow.was_cut and not fast.was_cut
    assert [batch async for batch in slow] == []
    assert slow not in feed.cache.subscriptions and fast in feed.cache.subscriptions
    resumed = feed.cache.subscribe(since=first[-1][2])
    assert first + await told(resumed) == seen


async def test_closed_watchers_are_forgotten() -> None:
    feed = Feed()
    with feed.cache.subscribe(key=PREFIX + "a/1") as one, feed.cache.subscribe() as other:
        assert len(feed.cache.subscriptions) == 2
        feed.put("a/1")
        one.close()
        one.close()
        assert [event.revision for batch in [batch async for batch in one] for event in batch] == [2]
        assert other in feed.cache.subscriptions
    assert list(feed.cache.subscriptions) == []
    assert not feed.cache._watchers


async def test_new_state_cuts_watchers_and_forgets_history() -> None:
    feed = Feed()
    feed.put("a/1")
    watcher = feed.cache.subscribe()
    page = feed.cache.load([Stored(PREFIX + "b/1", HEAD + b'"metadata":{"name":"x"}}', 9, 9)])
    feed.cache.replace([page], 10)
    assert watcher.was_cut
    assert [entry.key for entry in feed.cache.entries()] == [PREFIX + "b/1"]
    with pytest.raises(errors.Compacted):
        feed.cache.subscribe(since=9)
    assert await told(feed.cache.subscribe(since=10)) == []


def test_unreadable_values_are_known() -> None:
    feed = Feed()
    feed.put("a/1", error="it does not open")
    feed.put("a/2")
    assert list(feed.cache.unreadable) == [PREFIX + "a/1"]
    found = feed.cache.get(PREFIX + "a/1")
    assert found is not None and found.error == "it does not open"
    with pytest.raises(errors.Unreadable):
        _ = [entry.item for entry in feed.cache.entries()]
    assert feed.cache.entries(PREFIX + "a/", start=PREFIX + "a/2")[0].item
    feed.put("a/1")
    assert not feed.cache.unreadable
    feed.put("a/1", error="it does not open")
    feed.delete("a/1")
    assert not feed.cache.unreadable


async def test_watcher_that_waits_can_be_cancelled_twice() -> None:
    feed = Feed()
    watcher = feed.cache.subscribe()
    async with asyncio.TaskGroup() as group:
        for _ in range(2):

            async def wait() -> list[Any]:
                return await anext(watcher)

            task = group.create_task(wait())
            await asyncio.sleep(0)
            task.cancel()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    feed.put("a/1")
    assert await told(watcher) == [(ADDED, "a/1", 2)]


def test_watchers_of_other_objects_are_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: dispatch looks up the key, its namespace and the whole, nothing else."""
    feed = Feed()
    others = [feed.cache.subscribe(key=f"{PREFIX}a/{n}") for n in range(100)]
    others += [feed.cache.subscribe(prefix=f"{PREFIX}ns{n}/") for n in range(100)]
    pushed: list[str] = []

    def spy(subscription: Subscription, event: CacheEvent) -> bool:
        pushed.append("/".join(subscription.index))
        return True

    monkeypatch.setattr(Subscription, "push", spy)
    feed.put("b/1")
    assert pushed == []
    feed.put("a/7")
    assert pushed == [f"{PREFIX}a/7/"]
    assert len(others) == 200
