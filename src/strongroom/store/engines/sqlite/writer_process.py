"""The writer in a process of its own, so that it does not compete with the event loop for the interpreter."""

import asyncio
import itertools
import marshal
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

from strongroom.store import errors
from strongroom.store.engine import EngineEvent, KeyValue
from strongroom.store.engines.sqlite import child
from strongroom.store.engines.sqlite.writer import COMPACT, DELETE, Deliver, Outcome, Write

_PROGRAM: Final = f"from {child.__name__} import main; main()"
_STOP_SECONDS: Final = 30.0


class WriterProcess(asyncio.Protocol):
    """As `writer.Writer` to the engine: `submit` writes, `deliver` is called with what became of them."""

    def __init__(
        self, path: Path, lock: int, committed: int, deliver: Deliver, lost: Callable[[], None]
    ) -> None:
        """`lost` is called in the event loop when the process has ended without having been stopped."""
        self._path = path
        self._lock = lock
        self._deliver = deliver
        self._numbers = itertools.count()
        self._pending: dict[int, Write] = {}
        self._received = bytearray()
        self._transport: asyncio.WriteTransport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = asyncio.Event()
        self._lost = lost
        self._stopping = False
        self.committed = committed
        """The newest durable revision."""

    async def start(self) -> None:
        """Start the process. It opens the database by itself; writes may be submitted at once."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        command = [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), str(self._path)]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            # Where SQLite puts the copy that it makes to write the file anew.
            "SQLITE_TMPDIR": str(self._path.parent),
        }
        with theirs:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), self._lock),
                env=environment,
            )
        await asyncio.get_running_loop().create_connection(lambda: self, sock=ours)

    def submit(self, writes: Sequence[Write]) -> None:
        """Hand over writes; their futures are completed in the event loop."""
        if self._transport is None or self._ended.is_set():
            error = errors.Unavailable(f"{self._path}: the process that writes has ended")
            self._deliver((), [(write.future, error) for write in writes])
            return
        told = []
        for write, number in zip(writes, self._numbers, strict=False):
            self._pending[number] = write
            told.append((number, *write[1:]))
        self._transport.write(child.frame(told))

    async def stop(self) -> None:
        """Finish what was submitted, then end the process."""
        self._stopping = True
        if self._transport is not None and self._transport.can_write_eof():
            self._transport.write_eof()
            await self._ended.wait()
        await self.wait()

    async def wait(self) -> None:
        """Return when the process, whose end is under way, is gone."""
        if self._process is not None:
            await asyncio.to_thread(self._process.wait, _STOP_SECONDS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are of no known class

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        while len(received) >= child.HEADER:
            end = child.HEADER + int.from_bytes(received[: child.HEADER], "big")
            if len(received) < end:
                return
            self._answered(marshal.loads(bytes(received[child.HEADER : end])))  # noqa: S302 - our own process
            del received[:end]

    def _answered(self, told: Sequence[tuple[Any, ...]]) -> None:
        events: list[EngineEvent] = []
        outcomes: list[Outcome] = []
        for number, *outcome in told:
            write = self._pending.pop(number)
            if isinstance(outcome[0], str):
                outcomes.append((write.future, child.restore(*outcome)))
                continue
            revision, created, version = outcome
            if write.kind < COMPACT:
                kv = KeyValue(write.key, write.value, created, revision, version)
                events.append(EngineEvent(kv, write.kind == DELETE))
                self.committed = revision
            outcomes.append((write.future, revision))
        self._deliver(events, outcomes)

    def connection_lost(self, exception: Exception | None) -> None:
        """What was not answered may or may not have happened."""
        self._ended.set()
        waiting, self._pending = self._pending, {}
        error = errors.Unavailable(
            f"{self._path}: the process that writes has ended: the write may or may not have happened"
        )
        self._deliver((), [(write.future, error) for write in waiting.values()])
        if not self._stopping:
            self._lost()
