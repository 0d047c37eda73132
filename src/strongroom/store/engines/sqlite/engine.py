"""The Engine on SQLite: puts the writer, the readers and the watchers together."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple

from strongroom.store import errors
from strongroom.store.engine import EngineEvent, KeyValue, Range
from strongroom.store.engines.sqlite import failures, log, schema, writer
from strongroom.store.engines.sqlite.writer_process import WriterProcess
from strongroom.store.engines.watching import Watchers

READERS: Final = 2
"""Threads, and connections, that read; they neither wait for the writer nor hold it up."""

Ts = TypeVarTuple("Ts")
T = TypeVar("T")


class SQLiteEngine:
    """One database file, owned by one process at a time (a lock file beside it).

    `path`: the file; made with its directory when absent. Beside it live `-wal`, `-shm` and `.lock`.
    `own_process`: write from a process of its own instead of a thread. It takes 20 MB, and spares a busy
    event loop the competition for the interpreter.
    """

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
        process = WriterProcess(self._path, self._lock, committed, self._deliver)
        self._writer = process
        await process.start()

    def _claim(self) -> tuple[int, sqlite3.Connection]:
        descriptor = schema.lock(self._path)
        try:
            return descriptor, schema.open_database(self._path)
        except BaseException:
            os.close(descriptor)
            raise

    async def close(self) -> None:
        if not self._open:
            return
        self._open = False
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
