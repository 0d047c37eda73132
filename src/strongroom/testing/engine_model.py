"""What an engine must answer, computed the plain way: the whole log in a list."""

from strongroom.store import errors
from strongroom.store.engine import EngineEvent, KeyValue


class EngineModel:
    """The log of all writes since the beginning, and the mark of the last compaction."""

    def __init__(self) -> None:
        self.log: list[EngineEvent] = []
        self.revision = 1
        self.compacted = 1

    def state(self, revision: int = 0) -> dict[str, KeyValue]:
        """key -> its live value as of `revision`. Raises as an engine does."""
        if revision > self.revision:
            raise errors.FutureRevision(revision, self.revision)
        if revision and revision < self.compacted:
            raise errors.Compacted(revision, self.compacted)
        state: dict[str, KeyValue] = {}
        for event in self.log:
            if revision and event.kv.mod_revision > revision:
                break
            if event.deleted:
                state.pop(event.kv.key, None)
            else:
                state[event.kv.key] = event.kv
        return state

    def range(
        self, prefix: str, start: str = "", limit: int = 0, revision: int = 0
    ) -> tuple[list[KeyValue], int]:
        """Items and count."""
        state = self.state(revision)
        found = [state[key] for key in sorted(state) if key.startswith(prefix) and key >= start]
        return found[: limit or None], len(found)

    def create(self, key: str, value: bytes) -> int:
        if key in self.state():
            raise errors.KeyExists(key)
        self.revision += 1
        kv = KeyValue(key, value, self.revision, self.revision, 1)
        self.log.append(EngineEvent(kv, False))
        return self.revision

    def _expect(self, key: str, expected: int) -> KeyValue:
        current = self.state().get(key)
        if current is None or current.mod_revision != expected:
            raise errors.RevisionConflict(key, expected, current.mod_revision if current else 0)
        return current

    def update(self, key: str, value: bytes, expected: int) -> int:
        current = self._expect(key, expected)
        self.revision += 1
        kv = KeyValue(key, value, current.create_revision, self.revision, current.version + 1)
        self.log.append(EngineEvent(kv, False))
        return self.revision

    def delete(self, key: str, expected: int) -> int:
        self._expect(key, expected)
        self.revision += 1
        self.log.append(EngineEvent(KeyValue(key, b"", 0, self.revision, 0), True))
        return self.revision

    def compact(self, revision: int) -> None:
        if revision > self.revision:
            raise errors.FutureRevision(revision, self.revision)
        self.compacted = max(self.compacted, revision)

    def events(self, prefix: str, after: int) -> list[EngineEvent]:
        """What a watch from `after` yields."""
        if after + 1 < self.compacted:
            raise errors.Compacted(after, self.compacted - 1)
        return [e for e in self.log if e.kv.mod_revision > after and e.kv.key.startswith(prefix)]
