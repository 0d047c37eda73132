"""An Engine whose newest state and recent events come from the watch cache, so that the engines' contract
also judges what the API's reads are answered from."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import orjson

from strongroom.aio.clock import SystemClock
from strongroom.encryption.transformer import Transformer
from strongroom.store import errors
from strongroom.store.engine import Engine, EngineEvent, KeyValue, Range
from strongroom.store.entry import DELETED, CacheEvent, Entry
from strongroom.store.objects import ObjectStore, Stored
from strongroom.store.watch_cache import WatchCache

_PREFIX = "/registry/"
_HEAD = b'{"kind":"Secret","apiVersion":"v1",'


def _wrapped(value: bytes) -> bytes:
    """An object that carries the value: the cache holds objects."""
    return _HEAD + b'"metadata":%b}' % orjson.dumps({"v": value.decode("latin-1")})


def _value(data: bytes) -> bytes:
    text: str = orjson.loads(data)["metadata"]["v"]
    return text.encode("latin-1")


def _of_entry(entry: Entry) -> KeyValue:
    if entry.error:
        raise errors.Unreadable(entry.key, entry.error)
    return KeyValue(entry.key, _value(entry.body()), entry.create_revision, entry.revision)


def _of_stored(stored: Stored) -> KeyValue:
    if stored.error:
        raise errors.Unreadable(stored.key, stored.error)
    return KeyValue(stored.key, _value(stored.data), stored.create_revision, stored.revision)


def _of_event(event: CacheEvent) -> EngineEvent:
    if event.type == DELETED:
        return EngineEvent(KeyValue(event.entry.key, b"", 0, event.revision, 0), True)
    return EngineEvent(_of_entry(event.entry), False)


class EngineOverCache:
    """Reads of the newest state are as fresh as the API's. `version` is always 1: a cache tells none."""

    shared = False

    def __init__(self, engine: Engine, transformers: Mapping[str, Transformer]) -> None:
        self._engine = engine
        self._objects = ObjectStore(engine, transformers)
        self._cache = WatchCache(self._objects, {_PREFIX: _HEAD}, clock=SystemClock())
        self._compacted = 0

    async def start(self) -> None:
        await self._engine.start()
        await self._cache.start()

    async def close(self) -> None:
        await self._engine.close()
        await self._cache.close()

    async def current_revision(self) -> int:
        return await self._objects.current_revision()

    async def _fresh(self) -> None:
        """As the API does before a read."""
        if self._objects.shared:
            await self._cache.refresh()
        else:
            await self._objects.current_revision()  # it is closed

    async def get(self, key: str, revision: int = 0) -> KeyValue | None:
        if revision:
            stored = await self._objects.get(key, revision)
            return None if stored is None else _of_stored(stored)
        await self._fresh()
        entry = self._cache.resource(_PREFIX).get(key)
        return None if entry is None else _of_entry(entry)

    async def range(
        self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0, exact_count: bool = True
    ) -> Range:
        if revision:
            found = await self._objects.range(prefix, start=start, limit=limit, revision=revision)
            items = [_of_stored(stored) for stored in found.items]
            return Range(items, found.count if exact_count else min(found.count, len(items) + 1), revision)
        await self._fresh()
        rows = self._cache.resource(_PREFIX)
        items = [_of_entry(entry) for entry in rows.entries(prefix, start=start, limit=limit)]
        count = rows.count(prefix, start=start)
        return Range(items, count if exact_count else min(count, len(items) + 1), self._cache.revision)

    async def create(self, key: str, value: bytes) -> int:
        return await self._held(await self._objects.create(key, _wrapped(value)))

    async def update(self, key: str, value: bytes, expected: int) -> int:
        return await self._held(await self._objects.update(key, _wrapped(value), expected))

    async def delete(self, key: str, expected: int) -> int:
        return await self._held(await self._objects.delete(key, expected))

    async def _held(self, revision: int) -> int:
        """The writer is answered when the cache has its write, and watchers that wait have run."""
        if self._cache.ready:
            await self._cache.wait_for(revision)
            await asyncio.sleep(0)
        return revision

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Sequence[EngineEvent]]:
        rows = self._cache.resource(_PREFIX)
        if not max(rows.oldest, self._compacted - 1) <= revision <= self._cache.revision:
            # The API tells such a client to wait, or to list anew; what an engine promises the engine keeps.
            async for batch in self._objects.watch(prefix, revision):
                yield [_seen(event.stored, event.deleted) for event in batch]
            return
        await self._fresh()
        matches: Callable[[CacheEvent], bool] = lambda event: event.entry.key.startswith(prefix)  # noqa: E731
        with rows.subscribe(since=revision) as events:
            async for several in events:
                if found := [_of_event(event) for event in several if matches(event)]:
                    yield found

    async def compact(self, revision: int) -> None:
        await self._engine.compact(revision)
        self._compacted = max(self._compacted, revision)


def _seen(stored: Stored, deleted: bool) -> EngineEvent:
    if deleted:
        return EngineEvent(KeyValue(stored.key, b"", 0, stored.revision, 0), True)
    return EngineEvent(_of_stored(stored), False)
