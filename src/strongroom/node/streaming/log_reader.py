"""Reading a container's log file, and following it while the container runs."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from strongroom.aio import tasks
from strongroom.node.streaming import inotify
from strongroom.node.streaming.log_filter import LogFilter
from strongroom.node.streaming.log_options import LogOptions

_CHUNK = 256 * 1024


async def read(
    path: Path, options: LogOptions, ended: Callable[[], Coroutine[Any, Any, None]]
) -> AsyncGenerator[bytes]:
    """The log's text in chunks. Raises OSError if there is no log.

    With `follow` it goes on as the file grows, through rotations, until `ended()` has returned, which tells
    that the container writes no more, and everything written has been given.
    """
    log_filter = LogFilter(options)
    with inotify.DirectoryWatch(path.parent) as watch, _File(path) as file:
        file.descend(options.tail_lines)
        async with tasks.TaskGroup("log") as group:
            ending = group.spawn("ended", ended()) if options.follow else None
            while True:
                watch.changed.clear()
                over = ending is None or ending.done()
                async for chunk in _available(file, log_filter):
                    yield chunk
                if file.replaced():
                    # What was written to the old file before the new one was made.
                    async for chunk in _available(file, log_filter):
                        yield chunk
                    file.reopen()
                elif over or log_filter.full:
                    return
                else:
                    await _either(watch.changed, ending)


async def _available(file: "_File", log_filter: LogFilter) -> AsyncIterator[bytes]:
    while not log_filter.full and (data := file.read()):
        if chunk := log_filter.feed(data):
            yield chunk
        await asyncio.sleep(0)


async def _either(changed: asyncio.Event, ending: "asyncio.Task[None] | None") -> None:
    async with tasks.TaskGroup("log-wait") as group:
        waiting = {group.spawn("changed", changed.wait()), *([ending] if ending is not None else [])}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


class _File:
    """An open log file that may be renamed away and replaced by a new one of its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> "_File":
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read(self) -> bytes:
        return os.read(self._descriptor, _CHUNK)

    def replaced(self) -> bool:
        """Whether the name belongs to another file now."""
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        own = os.fstat(self._descriptor)
        return (named.st_dev, named.st_ino) != (own.st_dev, own.st_ino)

    def reopen(self) -> None:
        new = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        os.close(self._descriptor)
        self._descriptor = new

    def descend(self, lines: int | None) -> None:
        """Go to where the last `lines` lines begin; None: stay at the beginning."""
        if lines is None:
            return
        position = size = os.fstat(self._descriptor).st_size
        if lines:
            # The newline that ends the last line is not one that begins a line.
            needed, position = lines + 1, size
            while position > 0 and needed > 0:
                start = max(0, position - _CHUNK)
                block = os.pread(self._descriptor, position - start, start)
                found = block.count(b"\n")
                if found < needed:
                    needed, position = needed - found, start
                    continue
                at = len(block)
                for _ in range(needed):
                    at = block.rindex(b"\n", 0, at)
                needed, position = 0, start + at + 1
        os.lseek(self._descriptor, position, os.SEEK_SET)
