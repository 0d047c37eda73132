"""A cache of the objects of one resource that follows the API, and tells of each change.

The story of `run`:

1. fill     a watch with initial events, up to the bookmark that ends them (WatchList); from a server that
            refuses it, a list. What differs from the cache is told; DELETED for what vanished.
2. follow   a watch from the resourceVersion reached. Each event and bookmark moves it on.
3. again    when the watch ends or breaks: 2 from where it was, after a back-off unless it had lasted.
            When the server no longer knows that resourceVersion (410): 1.

Source: Kubernetes API concepts, "Efficient detection of changes" and "Streaming lists" (KEP-3157).
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, ValuesView
from contextlib import aclosing

from strongroom.aio.backoff import Backoff
from strongroom.aio.clock import Clock, SystemClock
from strongroom.client import watching
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.client.watching import ADDED, DELETED, MODIFIED, WatchEvent
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource

Key = tuple[str, str]
Callback = Callable[[str, Object], None]
_CHANGES = (ADDED, MODIFIED, DELETED)

_log = logging.getLogger(__name__)
_LASTED = 2.0
"""Seconds after which a watch counts as a good one: its end starts the back-off anew."""


def key_of(obj: Object) -> Key:
    """(namespace, name); the namespace is "" for cluster scoped kinds."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


class Informer:
    """Objects of `resource`, in `namespace` or everywhere, that match the selectors.

    The cache may lag behind the API, never goes back in time, and its objects must not be changed. Callbacks
    are synchronous, called in the order of the changes and after the cache holds the change; one that raises
    is logged and does not disturb the others.

    `relevant` looks at the line of an object that came or changed, and tells whether the cache is to see it:
    what it refuses costs no decoding and no memory, and is not told; deletions always are. `reduce` makes of
    an object what is kept of it; metadata must keep name, namespace, uid, resourceVersion. `filled` is called
    after each fill: deletions of refused objects may have been missed before it. `linger`: seconds to wait
    after refused ones, so that they come many together.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str | None = None,
        *,
        field_selector: str = "",
        label_selector: str = "",
        relevant: Callable[[bytes], bool] | None = None,
        reduce: Callable[[Object], Object] | None = None,
        filled: Callable[[], None] | None = None,
        linger: float = 0.0,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.resource = resource
        self.has_synced = asyncio.Event()
        self._client = client
        self._namespace = namespace
        self._field_selector = field_selector
        self._label_selector = label_selector
        self._relevant = relevant
        self._reduce = reduce
        self._filled = filled
        self._linger = linger
        self._clock = clock or SystemClock()
        self._backoff = backoff or Backoff(0.05, 30.0)
        self._sleep = sleep
        self._items: dict[Key, Object] = {}
        self._callbacks: list[Callback] = []
        self._resource_version = ""
        self._streams_lists = True
        self._trouble = ""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def resource_version(self) -> str:
        """How far the cache has followed; "" before the first sync and after history was lost."""
        return self._resource_version

    def get(self, namespace: str | None, name: str) -> Object | None:
        return self._items.get((namespace or "", name))

    def values(self) -> ValuesView[Object]:
        """All objects, in no order. A live view: copy it before awaiting."""
        return self._items.values()

    def subscribe(self, callback: Callback) -> None:
        """Call `callback` for each change from now on, and first with ADDED for each object of the cache.

        The object of DELETED is the last state known."""
        self._callbacks.append(callback)
        for obj in list(self._items.values()):
            self._call(callback, ADDED, obj)

    def unsubscribe(self, callback: Callback) -> None:
        self._callbacks.remove(callback)

    async def run(self) -> None:
        """Follow the API until cancelled. No failure of the server ends it."""
        while True:
            started = self._clock.monotonic()
            cut = await self._attempt()
            if self._clock.monotonic() - started >= _LASTED:
                self._backoff.reset()
                if not cut:
                    continue
            await self._sleep(self._backoff.next())

    async def _attempt(self) -> bool:
        """One fill or follow, to its end; whether it ended in trouble."""
        try:
            if self._resource_version:
                await self._follow(self._resource_version)
            elif self._streams_lists:
                await self._stream_list()
            else:
                await self._list()
        except ConnectionFailed as error:
            self._report(str(error))
        except status.StatusError as error:
            self._refused(error)
        except Exception as error:  # an answer that is not as the API promises: begin anew, do not die
            self._resource_version = ""
            self._report(type(error).__name__)
        else:
            return False
        return True

    def _refused(self, error: status.StatusError) -> None:
        if error.code == 410:
            self._resource_version = ""
        elif self._streams_lists and not self._resource_version and error.code in (400, 422):
            self._streams_lists = False  # a server from before WatchList
        else:
            self._report(f"{error.reason}: {error.message}")

    def _report(self, trouble: str) -> None:
        if trouble != self._trouble:
            _log.warning("watch of %s: %s", self.resource.group_resource, trouble)
            self._trouble = trouble

    async def _stream_list(self) -> None:
        """Fill from a watch that begins with the present state, then follow it."""
        fresh: dict[Key, Object] = {}
        events = self._watch(initial_events=True)
        async with aclosing(events):
            async for event in events:
                if watching.ends_initial_events(event):
                    self._replace(fresh, event.object["metadata"]["resourceVersion"])
                    break
                if event.type in (ADDED, MODIFIED):
                    fresh[key_of(event.object)] = self._kept(event.object)
                elif event.type == DELETED:
                    fresh.pop(key_of(event.object), None)
            else:
                return
            await self._apply(events)

    async def _list(self) -> None:
        result = await self._client.list(
            self.resource,
            self._namespace,
            field_selector=self._field_selector,
            label_selector=self._label_selector,
        )
        self._replace({key_of(item): self._kept(item) for item in result.items}, result.resource_version)
        await self._follow(result.resource_version)

    async def _follow(self, resource_version: str) -> None:
        events = self._watch(resource_version)
        async with aclosing(events):
            await self._apply(events)

    def _watch(
        self, resource_version: str = "", *, initial_events: bool = False
    ) -> AsyncGenerator[WatchEvent, None]:
        return self._client.watch(
            self.resource,
            self._namespace,
            field_selector=self._field_selector,
            label_selector=self._label_selector,
            resource_version=resource_version,
            initial_events=initial_events,
            relevant=self._relevant,
            linger=self._linger,
        )

    def _kept(self, obj: Object) -> Object:
        return obj if self._reduce is None else self._reduce(obj)

    async def _apply(self, events: AsyncIterator[WatchEvent]) -> None:
        async for event in events:
            obj = self._kept(event.object) if event.type in _CHANGES else event.object
            if event.type == DELETED:
                self._items.pop(key_of(obj), None)
                self._tell(DELETED, obj)
            elif event.type in (ADDED, MODIFIED):
                key = key_of(obj)
                known = key in self._items
                self._items[key] = obj
                self._tell(MODIFIED if known else ADDED, obj)
            self._resource_version = obj["metadata"]["resourceVersion"]
            self._trouble = ""

    def _replace(self, fresh: dict[Key, Object], resource_version: str) -> None:
        """The cache becomes `fresh`; the difference is told."""
        old, self._items = self._items, fresh
        self._resource_version = resource_version
        self._trouble = ""
        for kind, obj in difference(old, fresh):
            self._tell(kind, obj)
        self.has_synced.set()
        if self._filled is not None:
            self._filled()

    def _tell(self, kind: str, obj: Object) -> None:
        for callback in tuple(self._callbacks):
            self._call(callback, kind, obj)

    def _call(self, callback: Callback, kind: str, obj: Object) -> None:
        try:
            callback(kind, obj)
        except Exception as error:
            # the message may carry a value of the object
            _log.error(
                "callback for %s %s failed: %s",
                self.resource.plural,
                "/".join(key_of(obj)),
                type(error).__name__,
            )


def difference(old: dict[Key, Object], new: dict[Key, Object]) -> Iterable[tuple[str, Object]]:
    """The changes that lead from `old` to `new`: what vanished first, then what came or changed.

    An object that was deleted and made again under its name is told as both."""
    changes: list[tuple[str, Object]] = []
    for key, obj in old.items():
        if key not in new or new[key]["metadata"].get("uid") != obj["metadata"].get("uid"):
            changes.append((DELETED, obj))
    for key, obj in new.items():
        before = old.get(key)
        if before is None or before["metadata"].get("uid") != obj["metadata"].get("uid"):
            changes.append((ADDED, obj))
        elif before["metadata"].get("resourceVersion") != obj["metadata"].get("resourceVersion"):
            changes.append((MODIFIED, obj))
    return changes
