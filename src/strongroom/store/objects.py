"""Objects at rest: keys and JSON bytes in front, an engine and encryption behind. Knows no kind."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Final, NamedTuple

from strongroom.encryption.transformer import Transformer, TransformError
from strongroom.store import errors
from strongroom.store.engine import Engine, EngineEvent, KeyValue
from strongroom.telemetry.store_requests import (
    CREATE,
    DELETE,
    FROM_STORAGE,
    GET,
    LIST,
    TO_STORAGE,
    UPDATE,
    StoreRequests,
)

LOAD_PAGE: Final = 4000
"""Objects read at once by `load`: bounds the memory that loading takes beside what it builds."""


class Stored(NamedTuple):
    """An object as it was given to the store.

    `data`: its JSON, without resourceVersion; b"" when `error` says why it does not open.
    `stale`: it was not written by the provider and key that write now."""

    key: str
    data: bytes
    create_revision: int
    revision: int
    stale: bool = False
    error: str = ""


class StoredEvent(NamedTuple):
    """One write. `deleted`: `stored.data` is empty, `stored.revision` is the deletion's."""

    stored: Stored
    deleted: bool


@dataclass(frozen=True, slots=True)
class StoredRange:
    """As `engine.Range`: in key order; `count` includes what is beyond the limit."""

    items: Sequence[Stored]
    count: int
    revision: int


class ObjectStore:
    """Reads and writes objects through the transformer of their key.

    `transformers`: key prefix -> transformer; keys under no prefix are stored as they are. A value that does
    not open is no exception here: it is returned with `error` set, so that one bad value harms no other.
    `requests`: where what the engine is asked for is counted. Errors are those of `store.errors`, as `Engine`
    documents them per method.
    """

    def __init__(
        self, engine: Engine, transformers: Mapping[str, Transformer], requests: StoreRequests | None = None
    ) -> None:
        self.requests = requests or StoreRequests({})
        self._engine = engine
        self._transformers = tuple(transformers.items())
        self._under_way: dict[bytes, bytes] = {}
        """What this store's writes sealed, until they are answered: sealed value -> data."""

    @property
    def shared(self) -> bool:
        """As the engine: others may write too."""
        return self._engine.shared

    def _transformer(self, key: str) -> Transformer | None:
        for prefix, transformer in self._transformers:
            if key.startswith(prefix):
                return transformer
        return None

    def _sealed(self, key: str, data: bytes) -> bytes:
        """The value to write, which the watch knows as long as the write is under way."""
        transformer = self._transformer(key)
        if transformer is None:
            return data
        try:
            sealed = transformer.to_storage(data, key.encode())
        except TransformError as error:
            self.requests.transformed(TO_STORAGE, key, (b"",), failed=True)
            raise errors.Unavailable(f'unable to transform key "{key}": {error}') from None
        self._under_way[sealed] = data
        self.requests.sealed(key, sealed)
        return sealed

    def _open(self, kv: KeyValue) -> Stored:
        return self._opened((kv,), self._transformer(kv.key))[0]

    def _opened(self, values: Sequence[KeyValue], transformer: Transformer | None) -> list[Stored]:
        """The objects of values of one kind."""
        opened = [_open(kv, transformer) for kv in values]
        if transformer is not None:
            good = [kv.value for kv, stored in zip(values, opened, strict=True) if not stored.error]
            self.requests.transformed(FROM_STORAGE, values[0].key, good)
            if len(good) < len(opened):
                bad = [kv.value for kv, stored in zip(values, opened, strict=True) if stored.error]
                self.requests.transformed(FROM_STORAGE, values[0].key, bad, failed=True)
        return opened

    @contextmanager
    def _counted(self, operation: str, key: str) -> Iterator[None]:
        began, failed = perf_counter(), True
        try:
            yield
            failed = False
        except errors.RevisionConflict:
            failed = False
            raise
        finally:
            self.requests.done(operation, key, perf_counter() - began, failed=failed)

    async def create(self, key: str, data: bytes) -> int:
        """Store a new object; its revision. Raises KeyExists."""
        sealed = self._sealed(key, data)
        began, failed = perf_counter(), True
        try:
            revision = await self._engine.create(key, sealed)
            failed = False
        except errors.KeyExists:
            failed = False
            raise
        finally:
            self._under_way.pop(sealed, None)
            self.requests.done(CREATE, key, perf_counter() - began, failed=failed)
        return revision

    async def update(self, key: str, data: bytes, expected: int) -> int:
        """Replace the object whose revision is `expected`; the new revision. Raises RevisionConflict."""
        sealed = self._sealed(key, data)
        began, failed = perf_counter(), True
        try:
            revision = await self._engine.update(key, sealed, expected)
            failed = False
        except errors.RevisionConflict:
            failed = False
            raise
        finally:
            self._under_way.pop(sealed, None)
            self.requests.done(UPDATE, key, perf_counter() - began, failed=failed)
        return revision

    async def delete(self, key: str, expected: int) -> int:
        """Delete the object whose revision is `expected`; the deletion's. Raises RevisionConflict."""
        with self._counted(DELETE, key):
            return await self._engine.delete(key, expected)

    async def current_revision(self) -> int:
        """The newest revision of the store; linearizable."""
        return await self._engine.current_revision()

    async def get(self, key: str, revision: int = 0) -> Stored | None:
        """The object as of `revision` (0: newest), from the engine. Raises Compacted, FutureRevision."""
        with self._counted(GET, key):
            kv = await self._engine.get(key, revision)
        return None if kv is None else self._open(kv)

    async def range(
        self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0, exact_count: bool = True
    ) -> StoredRange:
        """Objects as of `revision`, from the engine: for pages of a list that the cache has moved on from.

        `exact_count`: as `Engine.range` has it."""
        with self._counted(LIST, prefix):
            found = await self._engine.range(
                prefix, start=start, limit=limit, revision=revision, exact_count=exact_count
            )
        return StoredRange([self._open(kv) for kv in found.items], found.count, found.revision)

    async def load(self, prefix: str, revision: int) -> AsyncIterator[Sequence[Stored]]:
        """All objects of one resource as of `revision`, in key order, in pages. Raises Compacted."""
        transformer = self._transformer(prefix)
        start = ""
        while True:
            with self._counted(LIST, prefix):
                found = await self._engine.range(
                    prefix, start=start, limit=LOAD_PAGE, revision=revision, exact_count=False
                )
            if found.items:
                yield self._opened(found.items, transformer)
            if len(found.items) == found.count:
                return
            start = found.items[-1].key + "\0"

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Sequence[StoredEvent]]:
        """Every write with a revision > `revision`, as `Engine.watch` promises it."""
        async for batch in self._engine.watch(prefix, revision):
            yield [StoredEvent(self._seen(event), event.deleted) for event in batch]

    def _seen(self, event: EngineEvent) -> Stored:
        """The object of a watched write. Our own is not opened again: these very bytes were sealed here."""
        kv = event.kv
        if event.deleted:
            return Stored(kv.key, b"", kv.create_revision, kv.mod_revision)
        data = self._under_way.get(kv.value)
        if data is not None:
            return Stored(kv.key, data, kv.create_revision, kv.mod_revision)
        return self._open(kv)


def _open(kv: KeyValue, transformer: Transformer | None) -> Stored:
    key, value, create_revision, revision, _ = kv
    if transformer is None:
        return Stored(key, value, create_revision, revision)
    try:
        data, stale = transformer.from_storage(value, key.encode())
    except TransformError as error:
        return Stored(key, b"", create_revision, revision, True, f'unable to transform key "{key}": {error}')
    return Stored(key, data, create_revision, revision, stale)
