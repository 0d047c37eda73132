"""Events go an hour after they were last written (kube-apiserver's `--event-ttl`)."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from strongroom.aio.clock import Clock
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.registry.generic import Registry
from strongroom.registry.options import DeleteOptions
from strongroom.store.errors import StoreError
from strongroom.store.watch_cache import DELETED, CacheEvent, Entry

TTL_SECONDS: Final = 3600.0
_RETRY_SECONDS: Final = 60.0
_log = logging.getLogger(__name__)


class Due(NamedTuple):
    """A state of an event, and when it is to go (on the monotonic clock)."""

    moment: float
    namespace: str
    name: str
    revision: int


class Deadlines:
    """The states of events in the order in which they go. A newer state stands behind the older one, which is
    found to be no more when its time comes."""

    def __init__(self) -> None:
        self._due: deque[Due] = deque()

    def load(self, entries: Iterable[Entry], now: datetime, monotonic: float) -> None:
        """Begin anew with what is there; its age is told by its times."""
        found = [
            Due(monotonic + TTL_SECONDS - _age(e.decode(), now), e.namespace, e.name, e.revision)
            for e in entries
            if not e.error
        ]
        self._due = deque(sorted(found))

    def note(self, batch: Sequence[CacheEvent], monotonic: float) -> None:
        """Take in changes that were made now."""
        for event in batch:
            if event.type != DELETED:
                entry = event.entry
                self._due.append(Due(monotonic + TTL_SECONDS, entry.namespace, entry.name, entry.revision))

    def pop(self, monotonic: float) -> Due | None:
        """The next whose time has come."""
        return self._due.popleft() if self._due and self._due[0].moment <= monotonic else None

    def put_back(self, due: Due) -> None:
        """The next one again."""
        self._due.appendleft(due)

    def seconds(self, monotonic: float) -> float | None:
        """Until the next one's time; None: there is none."""
        return max(self._due[0].moment - monotonic, 0.0) if self._due else None


def _age(event: Object, now: datetime) -> float:
    """Seconds since the newest of the event's times."""
    series = event.get("series") or {}
    metadata = event["metadata"]
    said = (
        metadata.get("creationTimestamp"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        series.get("lastObservedTime"),
    )
    moments = [moment for each in said if (moment := _moment(each)) is not None and moment <= now]
    return (now - max(moments)).total_seconds() if moments else 0.0


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


class EventExpiry:
    """Follows the events and removes each when its time has come. It wakes up for that, and never to look."""

    def __init__(self, events: Registry, clock: Clock) -> None:
        self._events = events
        self._clock = clock
        self._deadlines = Deadlines()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with self._events.rows.subscribe() as subscription:
                now = self._clock.monotonic()
                self._deadlines.load(self._events.rows.entries(), self._clock.now(), now)
                pause: float | None = None
                while not subscription.was_cut:
                    try:
                        await self.expire()
                        pause = self._deadlines.seconds(self._clock.monotonic())
                    except StoreError as error:
                        _log.warning("events do not expire for now: %s", error)
                        pause = _RETRY_SECONDS
                    try:
                        async with asyncio.timeout(pause):
                            batch = await anext(subscription)
                    except TimeoutError:
                        continue
                    except StopAsyncIteration:
                        break
                    self._deadlines.note(batch, self._clock.monotonic())

    async def expire(self) -> None:
        """Remove all whose time has come. Raises StoreError, with the rest left."""
        while (due := self._deadlines.pop(self._clock.monotonic())) is not None:
            entry = self._events.find(due.namespace, due.name)
            if entry is None or entry.revision != due.revision:
                continue
            try:
                await self._events.delete(
                    due.namespace, due.name, DeleteOptions(resource_version=str(due.revision))
                )
            except status.StatusError:
                continue  # written again, or removed, meanwhile
            except StoreError:
                self._deadlines.put_back(due)
                raise
