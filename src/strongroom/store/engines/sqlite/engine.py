"""The Engine on SQLite: puts the writer, the readers and the watchers together."""

import asyncio
import contextlib
import itertools
import logging
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple

from strongroom.aio import tasks
from strongroom.store import errors
from strongroom.store.engine import EngineEvent, KeyValue, Range
from strongroom.store.engines.sqlite import failures, log, schema, writer
from strongroom.store.engines.sqlite.writer_process import WriterProcess
from strongroom.store.engines.watching import PAGE, Watchers

_log = logging.getLogger(__name__)

READERS: Final = 2
"""Threads, and connections, that read; they neither wait for the writer nor hold it up."""

RESTART_SECONDS: Final = (0.05, 0.2, 1.0, 5.0)
"""Waits before the process that writes is started again; the last one repeats."""

SETTLE_POLL_SECONDS: Final = 0.05

STORED_PAGE: Final = 4000
"""Revisions that `stored` reads at once."""

Ts = TypeVarTuple("Ts")
T = TypeVar("T")


class SQLiteEngine:
    """One database file, owned by one process at a time (a lock file beside it).

    `path`: the file; made with its directory when absent. Beside it live `-wal`, `-shm` and `.lock`.
    `own_process`: write from a process of its own instead of a thread. It takes 20 MB, and spares a busy
    event loop the competition for the interpreter.
    """

    shared = False

    def __init__(self, path: Path, *, own_process: bool = False) -> None:
        self._path = path
        self._own_process = own_process
        self._lock: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._writer: writer.Writer | WriterProcess | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._reading: list[sqlite3.Connection] = []
        self._pending: list[writer.Write] = []
        """Writes of this turn of the event loop."""
        self._seen = 0
        self._tasks = tasks.TaskGroup("sqlite", describe_errors=False)
        self.unclean = False
        """The last owner did not close the database: it was killed, or the power went."""
        self.before: Callable[[EngineEvent], None] = lambda _: None
        """Never called: nobody else writes here."""
        self.damage = ""
        """What `check` found."""
        self._watchers = Watchers(self._read_log)
        self._open = False

    async def start(self) -> None:
        """Open, as `Engine.start`. Made for one use: a closed engine is not opened again."""
        loop = asyncio.get_running_loop()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        try:
            self._lock, connection = await loop.run_in_executor(self._readers, self._claim)
            self._connection = connection
            await self._start_writer(connection)
        except BaseException as error:
            await self._release()
            if isinstance(error, sqlite3.Error):
                raise failures.translate(error, self._path) from error
            raise
        assert self._writer is not None
        self._watchers.delivered = self._writer.committed
        self._open = True

    async def _start_writer(self, connection: sqlite3.Connection) -> None:
        if not self._own_process:
            thread = writer.Writer(connection, self._path, asyncio.get_running_loop(), self._deliver)
            self._writer = thread
            thread.start()
            return
        assert self._lock is not None
        committed = log.bounds(connection).current
        process = WriterProcess(self._path, self._lock, committed, self._deliver, self._writer_lost)
        await process.start()
        self._writer = process

    def _writer_lost(self) -> None:
        if self._open:
            self._tasks.spawn("writer", self._replace_writer())

    async def _replace_writer(self) -> None:
        """Start another process. What the last one committed and did not tell goes to the watchers first."""
        lost = self._writer
        assert isinstance(lost, WriterProcess)
        assert self._connection is not None
        _log.error("the process that writes %s has ended, starting another", self._path)
        await lost.wait()
        for delay in itertools.chain(RESTART_SECONDS, itertools.repeat(RESTART_SECONDS[-1])):
            try:
                current = (await self._read(log.bounds)).current
                while missed := await self._read_log("", self._watchers.delivered, current, PAGE):
                    self._watchers.publish(missed)
                await self._start_writer(self._connection)
                return
            except (errors.StoreError, sqlite3.Error, OSError) as error:
                _log.error("the process that writes can't be started: %s", type(error).__name__)
            await asyncio.sleep(delay)

    def _claim(self) -> tuple[int, sqlite3.Connection]:
        descriptor = schema.lock(self._path)
        with contextlib.suppress(OSError):
            self.unclean = self._path.with_name(self._path.name + "-wal").stat().st_size > 0
        try:
            return descriptor, schema.open_database(self._path)
        except BaseException:
            os.close(descriptor)
            raise

    async def close(self) -> None:
        if not self._open:
            return
        self._open = False
        await self._tasks.aclose()
        assert self._writer is not None
        self._hand_over()
        # The writer's last group is delivered before this returns: both go through the loop, in order.
        if isinstance(self._writer, WriterProcess):
            await self._writer.stop()
        else:
            await asyncio.to_thread(self._writer.stop)
        self._watchers.close()
        await self._release()

    async def _release(self) -> None:
        if self._readers is not None:
            await asyncio.to_thread(self._readers.shutdown)
        for connection in self._reading:
            connection.close()
        self._reading.clear()
        if self._connection is not None:
            await asyncio.to_thread(self._connection.close)
            self._connection = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _deliver(self, events: Sequence[EngineEvent], outcomes: Sequence[writer.Outcome]) -> None:
        if events:
            self._watchers.publish(events)
        for future, outcome in outcomes:
            if future.done():  # cancelled by its caller
                continue
            if isinstance(outcome, int):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)

    def _write(self, kind: int, key: str, value: bytes, expected: int) -> asyncio.Future[int]:
        if not self._open or self._writer is None:
            raise errors.Unavailable("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        if not self._pending:
            # Handed over once all that is ready in the loop has run: the writer thread wakes, and takes the
            # interpreter lock from the loop, once for all of them.
            loop.call_soon(self._hand_over)
        self._pending.append(writer.Write(future, kind, key, value, expected))
        return future

    def _hand_over(self) -> None:
        if self._pending and self._writer is not None:
            self._writer.submit(self._pending)
            self._pending = []

    async def create(self, key: str, value: bytes) -> int:
        return await self._write(writer.CREATE, key, value, 0)

    async def update(self, key: str, value: bytes, expected: int) -> int:
        return await self._write(writer.UPDATE, key, value, expected)

    async def delete(self, key: str, expected: int) -> int:
        return await self._write(writer.DELETE, key, b"", expected)

    async def compact(self, revision: int) -> None:
        """As `Engine.compact`. Rows are removed in the background, after the call has returned."""
        await self._write(writer.COMPACT, "", b"", revision)

    async def settle(self, *, rewrite: bool = True) -> None:
        """Wait until what `compact` marked is removed; `rewrite`: then write the file anew, so that nothing
        deleted is left in it, nor in its write-ahead log. Writes wait for the second part, about a second per
        100 MB; reads go on.

        Raises Unavailable: while others read the file without an end, or when the disk is too full for a
        second copy."""
        while not await self._read(log.is_swept):  # noqa: ASYNC110 - another process removes it
            await asyncio.sleep(SETTLE_POLL_SECONDS)
        if rewrite:
            await self._write(writer.SETTLE, "", b"", 0)

    async def check(self) -> str:
        """SQLite's check of the whole file's structure; "" or what it found, also kept in `damage`.

        Takes seconds per 100 MB in a thread of its own."""
        self.damage = await asyncio.to_thread(failures.where, self._path)
        if self.damage:
            _log.error("%s", failures.damaged(self._path, self.damage))
        return self.damage

    async def stored(self, prefix: str) -> AsyncIterator[Sequence[KeyValue]]:
        """Every revision with a value that is stored under `prefix`, also superseded ones, by revision."""
        after = 0
        while rows := await self._read(log.stored, prefix, after, STORED_PAGE):
            yield rows
            after = rows[-1].mod_revision

    async def size(self) -> int:
        """Of the database and its write-ahead log."""
        if not self._open:
            raise errors.Unavailable("the store is closed")
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    async def _read(self, function: Callable[[sqlite3.Connection, *Ts], T], *args: *Ts) -> T:
        if not self._open or self._readers is None:
            raise errors.Unavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._call, function, args)

    def _call(self, function: Callable[[sqlite3.Connection, *Ts], T], args: tuple[*Ts]) -> T:
        try:
            connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = schema.connect(self._path, read_only=True)
                self._reading.append(connection)
            return function(connection, *args)
        except sqlite3.Error as error:
            raise failures.translate(error, self._path) from error

    async def current_revision(self) -> int:
        if not self._open or self._writer is None:
            raise errors.Unavailable("the store is closed")
        return max(self._writer.committed, self._seen)

    async def get(self, key: str, revision: int = 0) -> KeyValue | None:
        found, current = await self._read(log.get, key, revision)
        self._seen = max(self._seen, current)
        return found

    async def range(
        self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0, exact_count: bool = True
    ) -> Range:
        answer, current = await self._read(log.range_, prefix, start, limit, revision, exact_count)
        self._seen = max(self._seen, current)
        return answer

    def watch(self, prefix: str, revision: int) -> AsyncIterator[Sequence[EngineEvent]]:
        if not self._open:
            raise errors.Unavailable("the store is closed")
        return self._watchers.watch(prefix, revision)

    async def _read_log(self, prefix: str, after: int, upto: int, limit: int) -> Sequence[EngineEvent]:
        if not self._open:  # closed under a watch, which ends then
            return ()
        return await self._read(log.history, prefix, after, upto, limit)
