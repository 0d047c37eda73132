"""Watchers that engines share: one that falls behind goes on from the log."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from strongroom.store.engine import EngineEvent, KeyValue
from strongroom.store.engines import watching
from strongroom.store.engines.watching import Watchers


class Log:
    """A log in a list, and its watchers."""

    def __init__(self) -> None:
        self.events: list[EngineEvent] = []
        self.reads = 0
        self.watchers = Watchers(self.read)

    async def read(self, prefix: str, after: int, upto: int, limit: int) -> Sequence[EngineEvent]:
        self.reads += 1
        await asyncio.sleep(0)
        found = [e for e in self.events if after < e.kv.mod_revision <= upto and e.kv.key.startswith(prefix)]
        return found[:limit]

    def write(self, count: int) -> None:
        first = len(self.events) + 2
        new = [EngineEvent(KeyValue(f"/k{n % 2}", b"", n, n), False) for n in range(first, first + count)]
        self.events += new
        self.watchers.publish(new)

    def watch(self, prefix: str, revision: int) -> AsyncGenerator[Sequence[EngineEvent], None]:
        watch = self.watchers.watch(prefix, revision)
        assert isinstance(watch, AsyncGenerator)
        return watch


async def take(watch: AsyncGenerator[Sequence[EngineEvent], None], upto: int) -> list[int]:
    seen: list[int] = []
    while not seen or seen[-1] < upto:
        seen += [event.kv.mod_revision for event in await anext(watch)]
    return seen


async def test_slow_watcher_reads_the_log_again_and_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LIVE_LIMIT", 5)
    log = Log()
    log.write(3)
    watch = log.watch("/", 1)
    assert await take(watch, 4) == [2, 3, 4]
    log.write(1)
    assert await take(watch, 5) == [5]
    for _ in range(4):
        log.write(4)
    assert await take(watch, 21) == list(range(6, 22))
    log.write(2)
    assert await take(watch, 23) == [22, 23]
    await watch.aclose()


async def test_log_is_read_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAGE", 10)
    log = Log()
    log.write(35)
    watch = log.watch("/", 4)
    assert await take(watch, 36) == list(range(5, 37))
    assert log.reads == 4
    await watch.aclose()


async def test_writes_while_the_log_is_read_come_once() -> None:
    log = Log()
    log.write(3)
    watch = log.watch("/k1", 1)
    first = asyncio.gather(anext(watch))
    await asyncio.sleep(0)
    log.write(4)
    batches = await first
    assert [event.kv.mod_revision for event in batches[0]] == [3]
    assert await take(watch, 7) == [5, 7]
    await watch.aclose()


async def test_close_ends_watches_after_what_waits() -> None:
    log = Log()
    log.write(1)
    watch = log.watch("/", 1)
    await take(watch, 2)
    log.write(2)
    log.watchers.close()
    assert [[event.kv.mod_revision for event in batch] async for batch in watch] == [[3, 4]]
    assert [batch async for batch in log.watch("/", 1)] == []


async def test_ended_watches_are_forgotten() -> None:
    log = Log()
    for _ in range(3):
        watch = log.watch("/", 1)
        waiting = asyncio.gather(anext(watch))
        await asyncio.sleep(0.001)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await watch.aclose()
    assert not log.watchers._live


@pytest.mark.parametrize("since", range(1, 8))
async def test_a_watch_from_any_revision_be_it_yet_to_come_has_what_is_after_it(since: int) -> None:
    log = Log()
    log.write(2)  # 2, 3
    watch = log.watch("/", since)
    first = asyncio.gather(anext(watch))
    await asyncio.sleep(0.001)
    log.write(3)  # 4, 5, 6 as one
    log.write(4)  # 7 to 10
    seen = [event.kv.mod_revision for event in (await first)[0]]
    seen += await take(watch, 10) if seen[-1] < 10 else []
    assert seen == list(range(since + 1, 11))
    await watch.aclose()
