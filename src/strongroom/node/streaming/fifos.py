"""Named pipes between this program and a container's process, read and written without blocking the loop."""

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
from pathlib import Path
from typing import Self

CHUNK = 64 * 1024
_PIPE_SIZE = 256 * 1024
_OPEN_RETRY = 0.002
_QUICK, _MOMENT = 0.003, 0.001


class Reader:
    """The reading end. Nothing is lost between `open` and the first writer's coming."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._begun = False
        self._last = 0.0
        self._patience: float | None = None
        self._waiting: asyncio.Future[bool] | None = None

    @classmethod
    def open(cls, path: Path) -> Self:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        _enlarge(descriptor)
        return cls(descriptor)

    def end_when_idle(self, seconds: float) -> None:
        """From now on, take it for the end when nothing comes for that long."""
        self._patience = seconds
        if self._waiting is not None:
            asyncio.get_running_loop().call_later(seconds, _resolve, self._waiting, False)

    async def read(self) -> bytes:
        """Up to `CHUNK` bytes; empty once the last writer has gone."""
        # Before a writer has come, reading would look like the end. The kernel reports readiness only after.
        if not self._begun and not await self._readable():
            return b""
        self._begun = True
        while True:
            try:
                data = os.read(self._descriptor, CHUNK)
            except BlockingIOError:
                if not await self._readable():
                    return b""
                continue
            return await self._gather(data) if 0 < len(data) < CHUNK // 2 else data

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    async def _gather(self, data: bytes) -> bytes:
        """A little in quick succession is the begin of much: wait a moment, and hand on more at a time."""
        now = asyncio.get_running_loop().time()
        quick, self._last = now - self._last < _QUICK, now
        if not quick:
            return data
        await asyncio.sleep(_MOMENT)
        self._last = asyncio.get_running_loop().time()
        try:
            return data + os.read(self._descriptor, CHUNK - len(data))
        except BlockingIOError:
            return data

    async def _readable(self) -> bool:
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        timer = None
        if self._patience is not None:
            timer = loop.call_later(self._patience, _resolve, self._waiting, False)
        loop.add_reader(self._descriptor, _resolve, self._waiting, True)
        try:
            return await self._waiting
        finally:
            loop.remove_reader(self._descriptor)
            self._waiting = None
            if timer is not None:
                timer.cancel()


class Writer:
    """The writing end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open, once a reader is there: before that, what is written could vanish with our own closing."""
        while True:
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                await asyncio.sleep(_OPEN_RETRY)
                continue
            _enlarge(descriptor)
            return cls(descriptor)

    async def write(self, data: bytes) -> None:
        """Write all; raises BrokenPipeError when nobody reads any more."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                await self._writable()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[bool] = loop.create_future()
        loop.add_writer(self._descriptor, _resolve, waiting, True)
        try:
            await waiting
        finally:
            loop.remove_writer(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Fifos:
    """The FIFOs of one process, in a directory of their own that `remove` takes away."""

    def __init__(self, directory: Path, *, stdin: bool, stderr: bool) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True)
        self.stdin = directory / "stdin" if stdin else None
        self.stdout = directory / "stdout"
        self.stderr = directory / "stderr" if stderr else None
        for path in (self.stdin, self.stdout, self.stderr):
            if path is not None:
                os.mkfifo(path, 0o600)

    def remove(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)


def _resolve(future: "asyncio.Future[bool]", value: bool) -> None:
    if not future.done():
        future.set_result(value)


def _enlarge(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
