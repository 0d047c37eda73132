"""Keys to work on: each once at a time, at once or later.

A key that is added many times before it is taken is taken once; one that is added while it is being worked on
is handed out again afterwards. So a worker always sees the newest state and two never work on one key.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from strongroom.aio.backoff import Backoff
from strongroom.aio.clock import Clock
from strongroom.telemetry import work_queues

K = TypeVar("K", bound=Hashable)


async def _wait(event: asyncio.Event, timeout: float | None) -> None:
    """Until `event` is set or `timeout` seconds are over."""
    try:
        async with asyncio.timeout(timeout):
            await event.wait()
    except TimeoutError:
        pass


class _Fifo(Generic[K]):
    """Keys in the order in which they came."""

    def __init__(self) -> None:
        self._keys: deque[K] = deque()

    def __len__(self) -> int:
        return len(self._keys)

    def append(self, key: K) -> None:
        self._keys.append(key)

    def pop(self) -> K:
        return self._keys.popleft()


class _Ranked(Generic[K]):
    """Keys by urgency, those of one urgency in the order in which they came."""

    def __init__(self, urgency: Callable[[K], int]) -> None:
        self._urgency = urgency
        self._heap: list[tuple[int, int, K]] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self._heap)

    def append(self, key: K) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (-self._urgency(key), self._serial, key))

    def pop(self) -> K:
        return heapq.heappop(self._heap)[2]


class WorkQueue(Generic[K]):
    """For any number of workers of one event loop: `get`, work, `done`.

    There is no timer unless a key waits for its time. `wait` is how a worker sleeps; tests replace it.
    `urgency`: of keys that are ready the most urgent is taken first, as it was when the key was added; else
    the one that came first. `name`: under which its work is counted; "": under none.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        first_delay: float = 0.05,
        longest_delay: float = 60.0,
        wait: Callable[[asyncio.Event, float | None], Awaitable[None]] = _wait,
        urgency: Callable[[K], int] | None = None,
        name: str = "",
    ) -> None:
        self.counts = work_queues.of(name)
        self._clock = clock
        self._first_delay = first_delay
        self._longest_delay = longest_delay
        self._wait = wait
        self._ready: _Fifo[K] | _Ranked[K] = _Fifo() if urgency is None else _Ranked(urgency)
        self._dirty: set[K] = set()
        self._working: set[K] = set()
        self._later: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._serial = 0
        self._backoffs: dict[K, Backoff] = {}
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        """Keys that are ready to be taken."""
        return len(self._ready)

    @property
    def idle(self) -> bool:
        """Nothing is ready and nothing is being worked on; keys may wait for their time."""
        return not self._ready and not self._working

    def add(self, key: K) -> None:
        """Work on `key` as soon as a worker is free."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        self.counts.add(key, self._clock.monotonic())
        if key not in self._working:
            self._ready.append(key)
            self._wake.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Work on `key` in `seconds`; of several times for one key the earliest counts."""
        self.counts.retried += 1
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock.monotonic() + seconds
        if self._due.get(key, float("inf")) <= due:
            return
        self._due[key] = due
        self._serial += 1
        heapq.heappush(self._later, (due, self._serial, key))
        self._wake.set()

    def retry(self, key: K) -> None:
        """Work on `key` again after a delay that grows with each retry, until `forget`."""
        backoff = self._backoffs.get(key)
        if backoff is None:
            backoff = self._backoffs[key] = Backoff(self._first_delay, self._longest_delay)
        self.add_after(key, backoff.next())

    def forget(self, key: K) -> None:
        """The work succeeded: the next retry of `key` starts from the first delay."""
        self._backoffs.pop(key, None)

    async def get(self) -> K:
        """The next key; the caller must call `done` with it."""
        while True:
            now = self._clock.monotonic()
            self._promote(now)
            if self._ready:
                key = self._ready.pop()
                self._dirty.discard(key)
                self._working.add(key)
                self.counts.take(key, now)
                return key
            self._wake.clear()
            await self._wait(self._wake, self._later[0][0] - now if self._later else None)

    def done(self, key: K) -> None:
        """The work on `key` ended, well or not."""
        self._working.discard(key)
        self.counts.done(key, self._clock.monotonic())
        if key in self._dirty:
            self._ready.append(key)
            self._wake.set()

    def _promote(self, now: float) -> None:
        """Moves keys whose time has come to the ready ones."""
        while self._later and self._later[0][0] <= now:
            due, _, key = heapq.heappop(self._later)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)
