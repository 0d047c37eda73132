"""The events of events.k8s.io/v1: those of core, converted on their way in and out."""

from collections.abc import Callable, Sequence

import orjson

from strongroom.aio.clock import Clock
from strongroom.api.events.v1 import conversion
from strongroom.api.strategy import Strategy
from strongroom.machinery.gvk import Object
from strongroom.registry import listing, watching
from strongroom.registry.encoding import Document
from strongroom.registry.generic import Deleted, Registry
from strongroom.registry.options import DeleteOptions, ListOptions, WatchOptions
from strongroom.store import entry as entries
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import Entry, WatchCache

Show = Callable[[Entry], Entry]


class NewEventRegistry(Registry):
    """A view of the registry of core's events."""

    def __init__(
        self, strategy: Strategy, events: Registry, cache: WatchCache, objects: ObjectStore, clock: Clock
    ) -> None:
        super().__init__(strategy, cache, objects, clock)
        self._events = events
        self._layout = entries.layout(self.resource.storage_prefix, self.head)

    def _show(self, entry: Entry) -> Entry:
        if entry.error:
            return entry
        shown = conversion.from_core(entry.decode())
        del shown["kind"], shown["apiVersion"]
        item = orjson.dumps(shown)
        return Entry(self._layout, entry.key, entry.revision, entry.create_revision, item, entry.stale)

    # ---- reads ----

    def find(self, namespace: str, name: str) -> Entry | None:
        entry = self._events.find(namespace, name)
        return None if entry is None else self._show(entry)

    async def get(self, namespace: str, name: str, at_least: int = 0) -> Entry:
        return self._show(await super().get(namespace, name, at_least))

    async def page(self, namespace: str, options: ListOptions) -> listing.Page:
        page = await super().page(namespace, options)
        return page._replace(entries=[self._show(entry) for entry in page.entries])

    async def watch(self, namespace: str, options: WatchOptions) -> watching.Watch:
        return _ShownWatch(await super().watch(namespace, options), self.head, self._show)

    # ---- writes ----

    async def _insert(self, namespace: str, obj: Object, dry_run: bool) -> Document | None:
        return _shown(await self._events._insert(namespace, conversion.to_core(obj), dry_run))

    async def _replace(self, key: str, new: Object, entry: Entry, dry_run: bool) -> Document | None:
        return _shown(await self._events._replace(key, conversion.to_core(new), entry, dry_run))

    async def delete(self, namespace: str, name: str, options: DeleteOptions) -> Deleted:
        deleted = await self._events.delete(namespace, name, options)
        document = _shown(deleted.document)
        assert document is not None
        return Deleted(document, deleted.removed)


def _shown(document: Document | None) -> Document | None:
    if document is None:
        return None
    obj = conversion.from_core(document.obj)
    return Document(orjson.dumps(obj), obj)


class _ShownChange:
    """A change of a core event, as the view shows it."""

    __slots__ = ("_change", "entry", "type")

    def __init__(self, change: watching.Change, show: Show) -> None:
        self._change = change
        self.type = change.type
        self.entry = show(change.entry)

    @property
    def revision(self) -> int:
        return self._change.revision

    @property
    def frame(self) -> bytes:
        return entries.frame(self.type, self.entry)


class _ShownWatch(watching.Watch):
    """A watch on core events, as the view shows it."""

    def __init__(self, watch: watching.Watch, head: bytes, show: Show) -> None:
        initial = [show(entry) for entry in watch.initial] if watch.from_state else None
        super().__init__(watch.selection, watch.subscription, head, initial, watch.revision)
        self._show = show

    async def __anext__(self) -> Sequence[watching.Change]:
        return [_ShownChange(change, self._show) for change in await super().__anext__()]
