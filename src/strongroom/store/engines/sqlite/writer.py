"""The one writer: a thread that commits all that has queued up as one transaction.

A write that breaks its condition fails alone; the others of its group are committed. Results go back to the
event loop once per group: first the events, then the answers of the calls.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from strongroom.store import errors
from strongroom.store.engine import EngineEvent, KeyValue
from strongroom.store.engines.sqlite import compactor, failures, log
from strongroom.store.engines.sqlite.acknowledged import Acknowledged

CREATE: Final = 0
UPDATE: Final = 1
DELETE: Final = 2
COMPACT: Final = 3
SETTLE: Final = 4
"""Remove all that compaction marked, and write the file anew: no byte of what was deleted is left in it."""

GROUP_LIMIT: Final = 512
"""No more writes are added to a transaction that has this many."""

GROUPS_PER_SWEEP: Final = 16
"""Groups without a pause after which a slice of a sweep is done all the same."""

ROWS_PER_STATEMENT: Final = 64
"""Rows of one INSERT; bounds the memory of prepared statements, of which there is one per number of rows."""


class Write(NamedTuple):
    """A call that waits. `expected`: the mod_revision it rests on; for COMPACT the revision to compact to."""

    future: asyncio.Future[int]
    kind: int
    key: str
    value: bytes
    expected: int


Outcome = tuple[asyncio.Future[int], int | errors.StoreError]
Deliver = Callable[[Sequence[EngineEvent], Sequence[Outcome]], None]
"""Called in the event loop's thread, once per group, in the order of commits."""

_INSERT: Final = "INSERT INTO revisions (key, value, create_revision, revision, version) VALUES "
_INSERTS: Final = tuple(_INSERT + ",".join(["(?,?,?,?,?)"] * rows) for rows in range(ROWS_PER_STATEMENT + 1))


class Writer:
    """Owns the writing connection from `start` to `stop`."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, loop: asyncio.AbstractEventLoop, deliver: Deliver
    ) -> None:
        self._connection = connection
        self._path = path
        self._loop = loop
        self._deliver = deliver
        self._queue: queue.SimpleQueue[Sequence[Write] | None] = queue.SimpleQueue()
        self._sweep: compactor.Sweep | None = None
        self._unswept = 0
        self._stopping = False
        self._acknowledged = Acknowledged.open(path)
        self._thread = threading.Thread(target=self.run, name="sqlite-writer", daemon=True)
        self.committed = log.bounds(connection).current
        """The newest durable revision. Read from any thread."""

    def start(self) -> None:
        self._thread.start()

    def submit(self, writes: Sequence[Write]) -> None:
        """Queue writes; any thread. Their futures are completed in the event loop."""
        self._queue.put(writes)

    def stop(self) -> None:
        """Finish what is queued, then end the thread. Blocks; nothing may be submitted any more."""
        self.end()
        if self._thread.ident is not None:
            self._thread.join()

    def end(self) -> None:
        """Let `run` return after what is queued."""
        self._queue.put(None)

    def run(self) -> None:
        """Serve until `end`."""
        while not self._stopping:
            group = self._next_group()
            if group:
                self._commit(group)
                self._unswept += 1
            if self._sweep is not None and (not group or self._unswept >= GROUPS_PER_SWEEP):
                self._sweep_some(self._sweep)
                self._unswept = 0
        self._acknowledged.close()

    def _next_group(self) -> list[Write]:
        """All that waits; waits for the first one unless a sweep is under way."""
        group: list[Write] = []
        try:
            writes = self._queue.get(block=self._sweep is None)
            while True:
                if writes is None:
                    self._stopping = True
                    break
                group += writes
                if len(group) >= GROUP_LIMIT:
                    break
                writes = self._queue.get_nowait()
        except queue.Empty:
            pass
        return group

    def _commit(self, group: Sequence[Write]) -> None:
        events: list[EngineEvent] = []
        outcomes: list[Outcome]
        try:
            events, outcomes = self._decide([write for write in group if write.kind < COMPACT])
            self._insert(events)
            if events:
                self.committed = events[-1].kv.mod_revision
                self._acknowledged.set(self.committed)
        except sqlite3.Error as error:
            self._recover()
            problem = failures.translate(error, self._path)
            outcomes = [(write.future, problem) for write in group if write.kind < COMPACT]
            events = []
        outcomes += [self._maintain(write) for write in group if write.kind >= COMPACT]
        try:
            self._loop.call_soon_threadsafe(self._deliver, events, outcomes)
        except RuntimeError:  # the event loop is gone, and with it everyone who waits
            self._stopping = True

    def _decide(self, writes: Sequence[Write]) -> tuple[list[EngineEvent], list[Outcome]]:
        """What each write does, given the ones before it in the group."""
        events: list[EngineEvent] = []
        outcomes: list[Outcome] = []
        if not writes:
            return events, outcomes
        current = log.states(self._connection, [write.key for write in writes])
        revision = self.committed
        for future, kind, key, value, expected in writes:
            mod, created, version = current[key]
            if kind == CREATE:
                if version:
                    outcomes.append((future, errors.KeyExists(key)))
                    continue
                created = revision + 1
            elif not version or mod != expected:
                outcomes.append((future, errors.RevisionConflict(key, expected, mod if version else 0)))
                continue
            revision += 1
            if kind == DELETE:
                created = version = 0
            else:
                version += 1 if kind == UPDATE else 1 - version
            current[key] = (revision, created, version)
            events.append(EngineEvent(KeyValue(key, value, created, revision, version), kind == DELETE))
            outcomes.append((future, revision))
        return events, outcomes

    def _insert(self, events: Sequence[EngineEvent]) -> None:
        """Durable when it returns. One statement commits by itself, which saves two."""
        if len(events) <= ROWS_PER_STATEMENT:
            if events:
                self._insert_rows(events)
            return
        self._connection.execute("BEGIN IMMEDIATE")
        for first in range(0, len(events), ROWS_PER_STATEMENT):
            self._insert_rows(events[first : first + ROWS_PER_STATEMENT])
        self._connection.execute("COMMIT")

    def _insert_rows(self, events: Sequence[EngineEvent]) -> None:
        self._connection.execute(_INSERTS[len(events)], [part for event in events for part in event.kv])

    def _maintain(self, write: Write) -> Outcome:
        """What writes nothing itself: its failure is not that of the group, which is committed by now."""
        try:
            return self._settle(write) if write.kind == SETTLE else self._compact(write)
        except sqlite3.Error as error:
            self._recover()
            return write.future, failures.translate(error, self._path)

    def _settle(self, write: Write) -> Outcome:
        sweep = compactor.Sweep.pending(self._connection)
        while sweep.step(self._connection):
            pass
        self._sweep = None
        # Deleted content is overwritten, but a page that is put in order anew may keep an old copy of a cell.
        self._connection.execute("VACUUM")
        busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            return write.future, errors.Unavailable(f"{self._path} is being read: try again")
        return write.future, self.committed

    def _compact(self, write: Write) -> Outcome:
        if write.expected > self.committed:
            return write.future, errors.FutureRevision(write.expected, self.committed)
        compactor.mark(self._connection, write.expected)
        self._sweep = compactor.Sweep.pending(self._connection)
        return write.future, self.committed

    def _sweep_some(self, sweep: compactor.Sweep) -> None:
        """One slice of a compaction's work, between groups. After a failure the next compaction goes on."""
        try:
            if not sweep.step(self._connection):
                self._sweep = None
        except sqlite3.Error:
            self._recover()
            self._sweep = None

    def _recover(self) -> None:
        """After a failed statement: no transaction is left open, and the counter is that of the file."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self.committed = log.bounds(self._connection).current
        except sqlite3.Error:
            pass  # the next group meets the same trouble and says so
