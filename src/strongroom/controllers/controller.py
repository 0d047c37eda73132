"""The loop that all controllers share: a key is looked at, and what is not as it should be is made so.

Informers tell which keys may need work, the queue keeps each of them once, workers call `reconcile(key)`. It
looks at the present state, never at the event, so it does not matter how many events led to it. When it fails
it is tried again, later each time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from strongroom.aio import tasks
from strongroom.aio.clock import Clock
from strongroom.client.informer import Informer
from strongroom.client.transport import ConnectionFailed
from strongroom.client.work_queue import WorkQueue
from strongroom.controllers import queue_names
from strongroom.machinery import status

_log = logging.getLogger(__name__)


class Controller:
    """Runs `reconcile` for the keys in `queue`, once `informers` have synced. It does not run the informers.

    A key is "name" or "namespace/name". `reconcile` raises to be tried again. A lost race or a cut connection
    is no news; anything else is logged with the key, and without its message where that may carry a value.
    Of keys that are ready, the one with the highest `urgency` is next.
    """

    def __init__(
        self,
        name: str,
        reconcile: Callable[[str], Awaitable[None]],
        informers: Sequence[Informer],
        clock: Clock,
        *,
        workers: int = 1,
        urgency: Callable[[str], int] | None = None,
    ) -> None:
        self.name = name
        self.queue: WorkQueue[str] = WorkQueue(clock, urgency=urgency, name=queue_names.of(name))
        self._reconcile = reconcile
        self._informers = informers
        self._workers = workers

    async def run(self) -> None:
        """Work until cancelled."""
        for informer in self._informers:
            await informer.has_synced.wait()
        async with tasks.TaskGroup(self.name, describe_errors=False) as group:
            for number in range(self._workers):
                group.spawn(f"worker-{number}", self._work())
            await asyncio.Event().wait()

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._attempt(key)
            finally:
                self.queue.done(key)

    async def _attempt(self, key: str) -> None:
        try:
            await self._reconcile(key)
        except ConnectionFailed as error:
            _log.debug("%s: %s: %s", self.name, key, error)
        except status.StatusError as error:
            level = logging.DEBUG if error.code in (404, 409) else logging.WARNING
            _log.log(level, "%s: %s: %s: %s", self.name, key, error.reason, error.message)
        except Exception as error:
            _log.error("%s: %s: %s", self.name, key, type(error).__name__)
        else:
            self.queue.forget(key)
            return
        self.queue.retry(key)
