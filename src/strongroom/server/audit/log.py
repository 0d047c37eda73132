"""The audit log in a file: lines of JSON, chained, rotated by size, kept for a time."""

import asyncio
import errno
import glob
import os
from datetime import timedelta
from pathlib import Path
from typing import Final

from strongroom.aio.clock import Clock
from strongroom.server.audit import chain

MAX_BYTES: Final = 100 * 1024 * 1024
MAX_BACKUPS: Final = 10
MAX_AGE: Final = timedelta(days=30)
_TAIL: Final = 1 << 20


class Log:
    """Appends to `path`, mode 0600. Full files become `‹stem›-‹time›‹suffix›` beside it.

    A line is the operating system's, as a whole, before `write` returns; the disk is not waited for."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        max_bytes: int = MAX_BYTES,
        max_backups: int = MAX_BACKUPS,
        max_age: timedelta = MAX_AGE,
    ) -> None:
        """Raises OSError."""
        self._path = path
        self._clock = clock
        self._max_bytes = max_bytes
        self._max_backups = max_backups
        self._max_age = max_age
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._previous = chain.GENESIS
        for written in reversed(files(path)):
            if found := _last_hash(written):
                self._previous = found
                break
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._file = -1
        self._size = 0
        self._closed = False
        self._open()

    async def write(self, event: bytes) -> None:
        """Append one event. Raises OSError: then the file is as it was before.

        What comes in one turn of the event loop is handed over at once: giving up the interpreter's lock for
        each line would cost more than the line."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._flush)
        written = loop.create_future()
        self._waiting.append((event, written))
        await written

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        lines, previous = [], self._previous
        for event, _ in waiting:
            line, previous = chain.link(event, previous)
            lines.append(line)
        failure: OSError | None = None
        try:
            self._append(b"".join(lines))
            self._previous = previous
        except OSError as error:
            failure = error
        for _, written in waiting:
            if written.done():
                continue  # whoever asked has left
            if failure is None:
                written.set_result(None)
            else:
                written.set_exception(failure)

    def _append(self, data: bytes) -> None:
        if self._closed:
            raise OSError(errno.EBADF, "the log is closed", str(self._path))
        if self._file < 0:  # a rotation that failed half-way
            self._open()
        if self._size and self._size + len(data) > self._max_bytes:
            self._rotate()
        try:
            if os.write(self._file, data) != len(data):
                raise OSError(errno.ENOSPC, "no space left on device", str(self._path))
        except OSError:
            # Half a line would look like one that was tampered with.
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)

    def close(self) -> None:
        """Put it on the disk."""
        if self._file >= 0:
            self._flush()
        self._closed = True
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._file).st_size
        self._cut_torn_line()

    def _cut_torn_line(self) -> None:
        """A line whose writing was cut by a crash: its answer never left."""
        tail = os.pread(self._file, _TAIL, max(self._size - _TAIL, 0))
        if tail and not tail.endswith(b"\n"):
            self._size -= len(tail) - (tail.rfind(b"\n") + 1)
            os.ftruncate(self._file, self._size)

    def _rotate(self) -> None:
        stamp = self._clock.now().strftime("%Y-%m-%dT%H-%M-%S.%f")
        os.fsync(self._file)
        self._path.rename(self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}"))
        os.close(self._file)
        self._file = -1
        self._open()
        self._remove_old()

    def _remove_old(self) -> None:
        older = files(self._path)[:-1]
        limit = (self._clock.now() - self._max_age).timestamp()
        surplus = max(len(older) - self._max_backups, 0)
        for index, path in enumerate(older):
            if index < surplus or path.stat().st_mtime < limit:
                path.unlink(missing_ok=True)


def files(path: Path) -> list[Path]:
    """The log at `path` with its rotated parts, oldest first."""
    rotated = sorted(path.parent.glob(f"{glob.escape(path.stem)}-*{glob.escape(path.suffix)}"))
    return [*rotated, *([path] if path.exists() else [])]


def _last_hash(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _TAIL, 0))
        lines = file.read().split(b"\n")
    # What follows the last newline is not a whole line.
    return next((found for line in reversed(lines[:-1]) if (found := chain.hash_of(line))), "")
