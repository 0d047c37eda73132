"""What takes time for a pod, run beside its worker: each by a name, once at a time, put off if it failed."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from strongroom.aio.clock import Clock
from strongroom.aio.tasks import TaskGroup
from strongroom.node.cri.errors import CRIError

_log = logging.getLogger(__name__)
_RETRY = 10.0


class Operations:
    """`on_end` is called, in the event loop, whenever one ended, however it did."""

    def __init__(self, owner: str, clock: Clock, on_end: Callable[[], None]) -> None:
        self._owner = owner
        self._clock = clock
        self._on_end = on_end
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._critical: set[str] = set()
        self._blocked: dict[str, float] = {}
        # A failure's message may carry a value that was being handled.
        self._tasks = TaskGroup(owner, describe_errors=False)

    def __len__(self) -> int:
        return len(self._running)

    def get(self, name: str) -> "asyncio.Task[Any] | None":
        return self._running.get(name)

    def may(self, name: str) -> bool:
        """Whether the operation is neither under way nor put off."""
        if self._blocked.get(name, 0.0) > self._clock.monotonic():
            return False
        self._blocked.pop(name, None)
        return name not in self._running

    def start(self, name: str, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run it, unless one of that name is under way. One that fails is logged and put off."""
        if name in self._running:
            coroutine.close()
            return
        task = self._running[name] = self._tasks.spawn(name, self._run(name, coroutine))

        def ended(_: "asyncio.Task[Any]") -> None:
            coroutine.close()  # it may have been cancelled before it began
            del self._running[name]
            self._critical.discard(name)
            self._on_end()

        task.add_done_callback(ended)

    async def _run(self, name: str, coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await coroutine
        except CRIError as error:
            _log.warning("%s: %s: %s", self._owner, name, error)
            self.block(name)
        except Exception as error:
            _log.error("%s: %s: %s", self._owner, name, type(error).__name__)
            self.block(name)
        return None

    def critical(self, name: str) -> None:
        """From here on the operation must not be cancelled: the runtime is in the midst of it."""
        self._critical.add(name)

    def optional(self, name: str) -> None:
        """What is left of the operation may be cancelled again."""
        self._critical.discard(name)

    def block(self, name: str, seconds: float = _RETRY) -> None:
        """Put the next operation of that name off."""
        self._blocked[name] = self._clock.monotonic() + seconds

    def unblock(self) -> None:
        """Something changed: nothing is put off any more."""
        self._blocked.clear()

    def next_due(self) -> float | None:
        """Seconds until the first of those put off may run; None if there are none.

        One whose time has come since `may` was asked is told of once more: a timer may wake whoever asks a
        little early."""
        now = self._clock.monotonic()
        due = min((max(0.0, until - now) for until in self._blocked.values()), default=None)
        self._blocked = {name: until for name, until in self._blocked.items() if until > now}
        return due

    async def finish(self, *, beside: str) -> None:
        """Cancel what only waits and let finish what is critical; `beside` is the one that asks."""
        others = {name: task for name, task in self._running.items() if name != beside}
        for name, task in others.items():
            if name not in self._critical:
                task.cancel()
        if others:
            await asyncio.wait(others.values())

    async def aclose(self) -> None:
        """Cancel all."""
        await self._tasks.aclose()
