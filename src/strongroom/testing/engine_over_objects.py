"""An Engine made of an ObjectStore, so that the engines' contract also judges the store's encrypting
layer."""

from collections.abc import AsyncIterator, Mapping, Sequence

from strongroom.encryption.transformer import Transformer
from strongroom.store import errors
from strongroom.store.engine import Engine, EngineEvent, KeyValue, Range
from strongroom.store.objects import ObjectStore, Stored


def _kv(stored: Stored) -> KeyValue:
    if stored.error:
        raise errors.Unreadable(stored.key, stored.error)
    return KeyValue(stored.key, stored.data, stored.create_revision, stored.revision)


class EngineOverObjects:
    """Values go through the ObjectStore both ways. `version` is always 1: an ObjectStore does not tell it."""

    shared = False

    def __init__(self, engine: Engine, transformers: Mapping[str, Transformer]) -> None:
        self._engine = engine
        self._objects = ObjectStore(engine, transformers)

    async def start(self) -> None:
        await self._engine.start()

    async def close(self) -> None:
        await self._engine.close()

    async def current_revision(self) -> int:
        return await self._objects.current_revision()

    async def get(self, key: str, revision: int = 0) -> KeyValue | None:
        stored = await self._objects.get(key, revision)
        return None if stored is None else _kv(stored)

    async def range(
        self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0, exact_count: bool = True
    ) -> Range:
        found = await self._objects.range(prefix, start=start, limit=limit, revision=revision)
        del exact_count  # an ObjectStore always counts
        return Range([_kv(stored) for stored in found.items], found.count, found.revision)

    async def create(self, key: str, value: bytes) -> int:
        return await self._objects.create(key, value)

    async def update(self, key: str, value: bytes, expected: int) -> int:
        return await self._objects.update(key, value, expected)

    async def delete(self, key: str, expected: int) -> int:
        return await self._objects.delete(key, expected)

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Sequence[EngineEvent]]:
        async for batch in self._objects.watch(prefix, revision):
            yield [EngineEvent(_kv(event.stored), event.deleted) for event in batch]

    async def compact(self, revision: int) -> None:
        await self._engine.compact(revision)
