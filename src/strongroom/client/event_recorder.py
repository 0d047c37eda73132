"""Tells users what happens to their objects: Events of core/v1, sent in the background.

Reporting never waits and never fails: when the API is slow the queue fills, and what does not fit is dropped.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from strongroom.aio.backoff import Backoff
from strongroom.aio.clock import Clock
from strongroom.aio.token_bucket import TokenBucket
from strongroom.client import event_correlator
from strongroom.client.event_correlator import Create, EventCorrelator, Happening, Patch
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery import gvk, status
from strongroom.machinery.gvk import Object

NORMAL = "Normal"
WARNING = "Warning"

_EVENTS = gvk.Resource("", "v1", "events", "Event")
_QUEUE = 1000
_RATE, _BURST = 50.0, 100
_ATTEMPTS = 5
_log = logging.getLogger(__name__)


class EventRecorder:
    """Events of one `component` (`host`: the node's name, "" for controllers). `run` sends them."""

    def __init__(
        self,
        client: Client,
        component: str,
        host: str,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.dropped = 0
        """Events lost to a full queue or an API that did not take them."""
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._queue: asyncio.Queue[Happening] = asyncio.Queue(_QUEUE)
        self._correlator = EventCorrelator(component, host)
        self._bucket = TokenBucket(_RATE, _BURST, clock.monotonic())
        self._last = 0

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        """Report about `obj` (kind, apiVersion, metadata). `field_path`: such as `spec.containers{name}`."""
        now = self._clock.now()
        nanoseconds = int(now.timestamp()) * 1_000_000_000 + now.microsecond * 1000
        self._last = max(nanoseconds, self._last + 1)
        involved = event_correlator.reference(obj, field_path)
        happening = Happening(involved, type, reason, message, self._last, self._clock.monotonic())
        try:
            self._queue.put_nowait(happening)
        except asyncio.QueueFull:
            self.dropped += 1

    async def run(self) -> None:
        """Send what is reported, until cancelled."""
        while True:
            happening = await self._queue.get()
            action = self._correlator.correlate(happening)
            if action is not None:
                wait = self._bucket.reserve(self._clock.monotonic())
                if wait:
                    await self._sleep(wait)
                await self._deliver(action)
            self._queue.task_done()

    async def flush(self) -> None:
        """Wait until all that was reported so far is sent or dropped; `run` must be running."""
        await self._queue.join()

    async def _deliver(self, action: Create | Patch) -> None:
        backoff = Backoff(0.2, 10.0)
        for _ in range(_ATTEMPTS):
            try:
                await self._send(action)
                return
            except ConnectionFailed:
                await self._sleep(backoff.next())
            except status.StatusError as error:
                if error.code < 500 and error.code != 429:
                    self._give_up(action, error.reason)
                    return
                await self._sleep(backoff.next())
            except Exception as error:
                self._give_up(action, type(error).__name__)
                return
        self._give_up(action, "no answer")

    def _give_up(self, action: Create | Patch, why: str) -> None:
        self.dropped += 1
        self._correlator.forget(action.key)
        _log.debug("event %s/%s not stored: %s", action.namespace, action.event["metadata"]["name"], why)

    async def _send(self, action: Create | Patch) -> None:
        if isinstance(action, Patch):
            try:
                await self._client.patch(_EVENTS, action.name, action.patch, action.namespace)
                return
            except status.StatusError as error:
                if error.code != 404:
                    raise
        await self._client.create(_EVENTS, action.event, action.namespace)
