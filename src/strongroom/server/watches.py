"""The open watches of a server: one clock for the bookmarks and ends of all; the way to end them together."""

import asyncio
import heapq
import itertools
from typing import Final

from strongroom.aio import tasks
from strongroom.aio.clock import Clock
from strongroom.registry.watching import Watch

TICK: Final = 0.5
"""Seconds between looks at who is due."""


class OpenWatch:
    """One watch as its handler registers it. The handler is woken by `poke` when it is due."""

    __slots__ = ("ended", "task", "watch")

    def __init__(self, watch: Watch, task: "asyncio.Task[object] | None") -> None:
        self.watch = watch
        self.task = task
        self.ended = False


class Watches:
    """No timer per watch: a heap of when each is due, looked at twice a second by one task."""

    def __init__(self) -> None:
        self._open: set[OpenWatch] = set()
        self._due: list[tuple[float, int, OpenWatch]] = []
        self._order = itertools.count()
        self.closed = False
        """All were ended; new ones are refused."""
        self._ticking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._open)

    def start(self, background: tasks.TaskGroup, clock: Clock) -> None:
        """Keep time from now on. Idempotent."""
        if self._ticking is None:
            self._ticking = background.spawn("watch-clock", self._tick(clock))

    async def _tick(self, clock: Clock) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.advance(clock.monotonic())

    def add(self, opened: OpenWatch) -> None:
        self._open.add(opened)
        if self.closed:
            opened.watch.close()

    def remove(self, opened: OpenWatch) -> None:
        opened.ended = True
        self._open.discard(opened)

    def wake_at(self, opened: OpenWatch, moment: float) -> None:
        """Poke the watch when the monotonic clock has reached `moment`. Once."""
        heapq.heappush(self._due, (moment, next(self._order), opened))

    def advance(self, now: float) -> None:
        """Poke all that are due. A watch that was cut and hangs in a send that nobody reads is cancelled."""
        while self._due and self._due[0][0] <= now:
            opened = heapq.heappop(self._due)[2]
            if opened.ended:
                continue
            if opened.watch.was_cut and opened.task is not None:
                opened.task.cancel()
            else:
                opened.watch.poke()

    def close(self) -> None:
        """End all watches, and those that are yet to be added."""
        self.closed = True
        for opened in list(self._open):
            opened.watch.close()
