"""Notice of changes in a directory, from the kernel."""

import asyncio
import ctypes
import os
from pathlib import Path
from types import TracebackType
from typing import Self

_libc = ctypes.CDLL(None, use_errno=True)
_IN_MODIFY, _IN_MOVED_TO, _IN_CREATE = 0x2, 0x80, 0x100
_BUFFER = 64 * 1024


class DirectoryWatch:
    """Context manager; `changed` is set when a file in the directory is written to, made or moved in."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor = -1
        self.changed = asyncio.Event()

    def __enter__(self) -> Self:
        self._descriptor = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise _error(self._directory)
        events = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE
        if _libc.inotify_add_watch(self._descriptor, os.fsencode(self._directory), events) < 0:
            error = _error(self._directory)
            os.close(self._descriptor)
            raise error
        asyncio.get_running_loop().add_reader(self._descriptor, self._drain)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _drain(self) -> None:
        try:
            while len(os.read(self._descriptor, _BUFFER)) > _BUFFER // 2:
                pass
        except BlockingIOError:
            pass
        self.changed.set()


def _error(path: Path) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), str(path))
