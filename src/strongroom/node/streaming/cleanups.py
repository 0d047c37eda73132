"""Work that has to be done to its end even if whoever asked for it is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from strongroom.aio import tasks


class Cleanups:
    """Runs clean-up work in tasks of its own, so that a cancelled caller leaves but the work goes on."""

    def __init__(self, name: str) -> None:
        self._group = tasks.TaskGroup(name)
        self._running: set[asyncio.Task[None]] = set()

    async def finish(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Wait for the work; when cancelled, leave it running."""
        task = self._group.spawn(name, work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.shield(task)

    async def aclose(self, patience: float) -> None:
        """Wait up to `patience` seconds for what runs, then cancel the rest."""
        if self._running:
            await asyncio.wait(self._running, timeout=patience)
        await self._group.aclose()
