"""The Engine in memory: for tests and throwaway servers. Nothing survives the process."""

import asyncio
import bisect
from collections.abc import AsyncIterator, Sequence

from sortedcontainers import SortedDict

from strongroom.store import errors
from strongroom.store.engine import EngineEvent, KeyValue, Range, end_of
from strongroom.store.engines.watching import Watchers


def _revision_of(event: EngineEvent) -> int:
    return event.kv.mod_revision


class MemoryEngine:
    """Keeps every revision since the last compaction in the process's memory."""

    shared = False

    def __init__(self) -> None:
        self._revision = 1
        self._compacted = 1
        self._log: list[EngineEvent] = []
        """All writes with a revision >= `_compacted`, in order."""
        self._keys: SortedDict = SortedDict()
        """key -> its revisions, oldest first, those that compaction left."""
        self._open = False
        self._watchers = Watchers(self._read_log)

    async def start(self) -> None:
        self._open = True
        self._watchers.delivered = self._revision

    async def close(self) -> None:
        self._open = False
        self._watchers.close()

    def _check(self) -> None:
        if not self._open:
            raise errors.Unavailable("the store is closed")

    def _snapshot(self, revision: int) -> int:
        self._check()
        if revision > self._revision:
            raise errors.FutureRevision(revision, self._revision)
        if revision and revision < self._compacted:
            raise errors.Compacted(revision, self._compacted)
        return revision or self._revision

    def _at(self, history: Sequence[EngineEvent], revision: int) -> KeyValue | None:
        for event in reversed(history):
            if event.kv.mod_revision <= revision:
                return None if event.deleted else event.kv
        return None

    async def current_revision(self) -> int:
        self._check()
        return self._revision

    async def get(self, key: str, revision: int = 0) -> KeyValue | None:
        at = self._snapshot(revision)
        return self._at(self._keys.get(key, ()), at)

    async def range(
        self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0, exact_count: bool = True
    ) -> Range:
        at = self._snapshot(revision)
        items = []
        for key in self._keys.irange(max(prefix, start), end_of(prefix), (True, False)):
            kv = self._at(self._keys[key], at)
            if kv is not None:
                items.append(kv)
        count = len(items)
        if limit:
            items = items[:limit]
        return Range(items, count if exact_count else min(count, len(items) + 1), at)

    async def create(self, key: str, value: bytes) -> int:
        self._check()
        if self._at(self._keys.get(key, ()), self._revision) is not None:
            raise errors.KeyExists(key)
        revision = self._revision + 1
        return await self._write(EngineEvent(KeyValue(key, value, revision, revision, 1), False))

    def _expect(self, key: str, expected: int) -> KeyValue:
        self._check()
        current = self._at(self._keys.get(key, ()), self._revision)
        if current is None or current.mod_revision != expected:
            raise errors.RevisionConflict(key, expected, current.mod_revision if current else 0)
        return current

    async def update(self, key: str, value: bytes, expected: int) -> int:
        current = self._expect(key, expected)
        kv = KeyValue(key, value, current.create_revision, self._revision + 1, current.version + 1)
        return await self._write(EngineEvent(kv, False))

    async def delete(self, key: str, expected: int) -> int:
        self._expect(key, expected)
        return await self._write(EngineEvent(KeyValue(key, b"", 0, self._revision + 1, 0), True))

    async def _write(self, event: EngineEvent) -> int:
        revision = self._revision = event.kv.mod_revision
        self._log.append(event)
        self._keys.setdefault(event.kv.key, []).append(event)
        self._watchers.publish([event])
        await asyncio.sleep(0)  # watchers that wait run before the caller goes on
        return revision

    def watch(self, prefix: str, revision: int) -> AsyncIterator[Sequence[EngineEvent]]:
        self._check()
        return self._watchers.watch(prefix, revision)

    async def _read_log(self, prefix: str, after: int, upto: int, limit: int) -> Sequence[EngineEvent]:
        if after + 1 < self._compacted:
            raise errors.Compacted(after, self._compacted - 1)
        first = bisect.bisect_right(self._log, after, key=_revision_of)
        found: list[EngineEvent] = []
        for event in self._log[first:]:
            if event.kv.mod_revision > upto or len(found) == limit:
                break
            if event.kv.key.startswith(prefix):
                found.append(event)
        return found

    async def compact(self, revision: int) -> None:
        self._check()
        if revision > self._revision:
            raise errors.FutureRevision(revision, self._revision)
        if revision <= self._compacted:
            return
        self._compacted = revision
        del self._log[: bisect.bisect_left(self._log, revision, key=_revision_of)]
        for key in list(self._keys):
            history = self._keys[key]
            newest = bisect.bisect_right(history, revision, key=_revision_of) - 1
            if newest >= 0 and history[newest].deleted and history[newest].kv.mod_revision < revision:
                newest += 1
            del history[: max(newest, 0)]
            if not history:
                del self._keys[key]
