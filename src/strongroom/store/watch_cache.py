"""The store's objects in memory, kept equal to the engine by its watch: what all reads are answered from."""

import asyncio
import gc
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from strongroom.aio import tasks
from strongroom.aio.clock import Clock
from strongroom.store import errors
from strongroom.store.entry import ADDED, DELETED, MODIFIED, CacheEvent, Entry, Foreign
from strongroom.store.objects import ObjectStore, StoredEvent
from strongroom.store.resource_cache import ResourceCache, Subscription

__all__ = [
    "ADDED",
    "DELETED",
    "MODIFIED",
    "CacheEvent",
    "Entry",
    "ResourceCache",
    "Subscription",
    "WatchCache",
]

_log = logging.getLogger(__name__)

ROOT: Final = "/"
"""All keys: also what is no object here counts up the revision that readers wait for."""

RETRY_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Waits before the state is loaded again after the engine's watch broke; the last one repeats."""


class WatchCache:
    """`prefixes`: storage prefix of each resource -> the head of its encoded objects (`entry.Layout`).
    `foreign`: reads what other programs stored in another encoding.

    When the engine's watch ends or fails, all subscribers are cut, `ready` is false, and the state is loaded
    again until that works; reads go on from the old state. The history begins anew then, so watches that
    resume from before are told Compacted.
    """

    def __init__(
        self,
        objects: ObjectStore,
        prefixes: Mapping[str, bytes],
        *,
        clock: Clock,
        foreign: Foreign | None = None,
    ) -> None:
        self._objects = objects
        self._resources = {
            prefix: ResourceCache(prefix, head, clock, foreign) for prefix, head in prefixes.items()
        }
        self._owners: dict[str, ResourceCache | None] = {}
        self._tasks = tasks.TaskGroup("watch-cache", describe_errors=False)
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._next_check: asyncio.Future[None] | None = None
        self._checking = False
        self._closed = False
        self.shared = objects.shared
        """Others write to the store too: `refresh` before a read that must not be old."""
        self.revision = 0
        """All writes up to this revision are in the cache."""
        self.ready = False
        """The cache is loaded and follows the engine."""

    async def start(self) -> None:
        """Load everything and follow the engine from there. Raises what the engine raises."""
        await self._load()
        self._tasks.spawn("follow", self._follow())

    async def close(self) -> None:
        """Stop following; cut all subscribers. Idempotent."""
        self.ready = False
        self._closed = True
        await self._tasks.aclose()
        self._cut_all()

    def resource(self, prefix: str) -> ResourceCache:
        """The cache of one resource. Raises KeyError for a prefix that was not given."""
        return self._resources[prefix]

    async def wait_for(self, revision: int, timeout: float = 3.0) -> None:
        """Return when `revision` is in the cache: at once for this process's own write that has returned.

        Raises FutureRevision when it does not come within `timeout` seconds."""
        if revision <= self.revision:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (revision, future)
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(timeout):
                await future
        except TimeoutError:
            raise errors.FutureRevision(revision, self.revision) from None
        finally:
            self._waiting.remove(waiting)

    async def refresh(self) -> None:
        """Return when all is in the cache that was written, by whomever, before this was called.

        Callers at the same time share one look at the store. Raises Unavailable, FutureRevision."""
        if self._closed:
            raise errors.Unavailable("the store is closed")
        if self._next_check is None:
            self._next_check = asyncio.get_running_loop().create_future()
            if not self._checking:
                self._checking = True
                self._tasks.spawn("refresh", self._check())
        await asyncio.shield(self._next_check)

    async def _check(self) -> None:
        while (answered := self._next_check) is not None:
            # Who comes from now on may have seen a write that this look does not, and needs the one after.
            self._next_check = None
            try:
                await self.wait_for(await self._objects.current_revision())
            except errors.StoreError as error:
                answered.set_exception(error)
                answered.exception()  # nobody may be there to hear it
            else:
                answered.set_result(None)
        self._checking = False

    async def _load(self) -> None:
        revision = await self._objects.current_revision()
        loaded: list[tuple[ResourceCache, list[list[Entry]]]] = []
        with _no_garbage_collection():
            for prefix, resource in self._resources.items():
                pages = []
                async for page in self._objects.load(prefix, revision):
                    pages.append(resource.load(page))
                    await asyncio.sleep(0)
                loaded.append((resource, pages))
        for resource, pages in loaded:
            resource.replace(pages, revision)
            for key, entry in resource.unreadable.items():
                _log.error("stored value can't be read: %s: %s", key, entry.error)
        self._advance(revision)
        self.ready = True

    async def _follow(self) -> None:
        while True:
            problem = await self._watch()
            self.ready = False
            self._cut_all()
            _log.error("the store's watch broke, loading everything again: %s", problem)
            await self._reload()

    async def _watch(self) -> str:
        """Apply what the engine's watch brings until that ends; why it ended."""
        try:
            async for batch in self._objects.watch(ROOT, self.revision):
                self._apply(batch)
        except Exception as error:  # a bug must not leave a cache that silently stands still
            return _describe(error)
        return "it ended"

    async def _reload(self) -> None:
        attempt = 0
        while not self.ready:
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1
            try:
                await self._load()
            except Exception as error:
                _log.error("loading the store failed: %s", _describe(error))

    def _apply(self, batch: Sequence[StoredEvent]) -> None:
        for event in batch:
            key = event.stored.key
            resource = self._owner(key)
            if resource is not None:
                applied = resource.apply(event)
                if applied is not None and applied.entry.error and not event.deleted:
                    _log.error("stored value can't be read: %s: %s", key, applied.entry.error)
        self._advance(batch[-1].stored.revision)

    def _owner(self, key: str) -> ResourceCache | None:
        """The resource whose prefix `key` begins with; remembered by the key's folder."""
        folder = key[: key.rindex("/") + 1]
        try:
            return self._owners[folder]
        except KeyError:
            found = [prefix for prefix in self._resources if folder.startswith(prefix)]
            owner = self._resources[max(found, key=len)] if found else None
            if len(self._owners) > 10_000:
                self._owners.clear()
            self._owners[folder] = owner
            return owner

    def _advance(self, revision: int) -> None:
        self.revision = revision
        for wanted, future in self._waiting:
            if wanted <= revision and not future.done():
                future.set_result(None)

    def _cut_all(self) -> None:
        for resource in self._resources.values():
            resource.cut_all()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """While very many objects are made that stay: the collector would look at all of them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _describe(error: Exception) -> str:
    """The text of the store's errors; of others the type alone, as their text may hold what was handled."""
    return str(error) if isinstance(error, errors.StoreError) else type(error).__name__
