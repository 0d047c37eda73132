"""The Engine protocol: keys with revisions, conditional writes, watch, compaction.

One revision counter for the whole store, +1 for each write, starting at 1 (an empty store is at revision 1,
as etcd's is). Keys are `/registry/...` strings without NUL; values are opaque bytes. Every promise here is
checked by `strongroom.testing.engine_contract` against every engine.
"""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class KeyValue(NamedTuple):
    """A key at a revision. `version` counts writes since its creation, from 1."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int
    version: int = 1


class EngineEvent(NamedTuple):
    """One write. `deleted`: `kv.value` is empty and `kv.mod_revision` is the revision of the deletion."""

    kv: KeyValue
    deleted: bool


def end_of(prefix: str) -> str:
    """What sorts behind all keys that begin with `prefix`, whatever they go on with; "": behind every key."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else chr(sys.maxunicode)


@dataclass(frozen=True, slots=True)
class Range:
    """Answer of `range`, in key order. `count`: also what is beyond the limit. `revision`: the snapshot's."""

    items: Sequence[KeyValue]
    count: int
    revision: int


class Engine(Protocol):
    """What the store asks of a database. Safe for concurrent callers in one event loop.

    Writes are durable when the call returns (survive kill -9 and loss of power), and are totally ordered.
    A cancelled write may or may not have happened. All methods raise Unavailable after `close`.

    `shared`: other processes may write to the same store; what this one has seen need not be the newest.
    """

    shared: bool

    async def start(self) -> None:
        """Open. Raises Corrupt when what is stored can't be trusted, Unavailable when it is in use."""
        ...

    async def close(self) -> None:
        """Finish writes under way, end watches (their iterators stop), release everything. Idempotent."""
        ...

    async def current_revision(self) -> int:
        """The newest revision; linearizable."""
        ...

    async def get(self, key: str, revision: int = 0) -> KeyValue | None:
        """The key as of `revision` (0: newest). Raises Compacted, FutureRevision."""
        ...

    async def range(
        self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0, exact_count: bool = True
    ) -> Range:
        """Live keys that begin with `prefix` and are >= `start`, at most `limit` (0: all), as of `revision`.

        Without `exact_count` the answer's `count` only tells whether there are more: it is at most one more
        than the items. Raises Compacted, FutureRevision."""
        ...

    async def create(self, key: str, value: bytes) -> int:
        """Write a key that is absent; its revision. Raises KeyExists."""
        ...

    async def update(self, key: str, value: bytes, expected: int) -> int:
        """Write a key whose mod_revision is `expected`; the new revision. Raises RevisionConflict."""
        ...

    async def delete(self, key: str, expected: int) -> int:
        """Delete a key whose mod_revision is `expected`; the deletion's revision. Raises RevisionConflict."""
        ...

    def watch(self, prefix: str, revision: int) -> AsyncIterator[Sequence[EngineEvent]]:
        """Every write with a revision > `revision` under `prefix`, in order, none twice, none left out.

        Yields non-empty batches. Events of a write are handed to watchers before the write's own call returns
        (they are in the iterator; a consumer task scheduled in the same loop sees them first). Raises
        Compacted when a write that it would have to yield may be gone: watching from `revision` needs the
        history from `revision` + 1 on."""
        ...

    async def compact(self, revision: int) -> None:
        """Forget history before `revision`: older reads raise Compacted. Live keys stay. Idempotent.

        Raises FutureRevision."""
        ...


class DurableEngine(Engine, Protocol):
    """An engine whose bytes lie somewhere: what can be asked of it about them."""

    before: Callable[[EngineEvent], None]
    """Called with each change of a key that is not below `/registry/`, before any watcher has it. Set it
    before `start`. Only a shared engine has such changes."""

    def stored(self, prefix: str) -> AsyncIterator[Sequence[KeyValue]]:
        """Every value that can be got at under `prefix`, also superseded ones, in no order, in pages.

        Raises Compacted when history goes meanwhile: then begin anew."""
        ...

    async def settle(self, *, rewrite: bool = True) -> None:
        """Wait until what was superseded at the last `compact` is gone; what is superseded by now may go.

        `rewrite`: also have the files written anew, so that nothing deleted is left in them. Raises
        Unavailable: also when they can't be."""
        ...

    async def size(self) -> int:
        """Bytes that the database takes on disk, room that is free in it included. Raises Unavailable."""
        ...
