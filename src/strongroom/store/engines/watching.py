"""Watches over a log of writes: what engines share. History first, then live, none twice, none left out."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from strongroom.aio.batch_queue import BatchQueue
from strongroom.store.engine import EngineEvent

PAGE: Final = 1000
"""Events read from the log at once."""

LIVE_LIMIT: Final = 10_000
"""Events that wait for one watcher; beyond them it reads the log again from where it stands."""

ReadLog = Callable[[str, int, int, int], Awaitable[Sequence[EngineEvent]]]
"""`(prefix, after, upto, limit)`: events with after < revision <= upto in order, at most `limit`.

Raises Compacted when some of them may be gone."""


class Watchers:
    """The watchers of one engine. Used from the event loop's thread only."""

    def __init__(self, read_log: ReadLog) -> None:
        self._read_log = read_log
        self._live: dict[BatchQueue[EngineEvent], str] = {}
        self._closed = False
        self.delivered = 0
        """Revision of the last write handed to the watchers; the log holds all up to it."""

    def publish(self, events: Sequence[EngineEvent]) -> None:
        """Hand committed writes, in order, to the watchers; queued when it returns."""
        self.delivered = events[-1].kv.mod_revision
        for queue, prefix in list(self._live.items()):
            matching = [event for event in events if event.kv.key.startswith(prefix)]
            if matching and not queue.extend(matching):
                self._live.pop(queue, None)

    def close(self) -> None:
        """End all watches, after what is queued for them."""
        self._closed = True
        for queue in self._live:
            queue.finish()
        self._live.clear()

    def cut(self) -> None:
        """Make all watches read the log again from where each stands."""
        for queue in self._live:
            queue.cut()
        self._live.clear()

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Sequence[EngineEvent]]:
        """As `Engine.watch` promises, for a log that is complete up to `delivered`."""
        position = revision
        while not self._closed:
            queue = BatchQueue[EngineEvent](LIVE_LIMIT)
            self._live[queue] = prefix
            try:
                upto = self.delivered
                # Reading is what finds out that history is gone, also when there is nothing to read.
                while True:
                    events = await self._read_log(prefix, position, upto, PAGE)
                    if events:
                        position = events[-1].kv.mod_revision
                        yield events
                    if len(events) < PAGE:
                        break
                position = max(position, upto)
                async for batch in queue:
                    fresh = batch
                    if batch[0].kv.mod_revision <= position:
                        fresh = [event for event in batch if event.kv.mod_revision > position]
                    if fresh:
                        position = fresh[-1].kv.mod_revision
                        yield fresh
            finally:
                self._live.pop(queue, None)
