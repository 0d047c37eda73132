"""Writes end in time: 504 when one takes longer than a client waits."""

import asyncio
from collections import deque
from collections.abc import Awaitable

from strongroom.machinery import status
from strongroom.server.filters import Handler
from strongroom.server.request import Request

WRITE_SECONDS = 34.0
_WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_TEXT = "request did not complete within requested timeout - context deadline exceeded"


class _Write:
    """One that is under way; `task` is None when it is over."""

    __slots__ = ("due", "expired", "task")

    def __init__(self, task: "asyncio.Task[object]", due: float) -> None:
        self.task: asyncio.Task[object] | None = task
        self.due = due
        self.expired = False


class _Deadlines:
    """All writes have the same time, so they are due in the order of their beginning: one timer serves all.

    `asyncio.timeout` would make and cancel a timer for each."""

    def __init__(self) -> None:
        self._writes: deque[_Write] = deque()
        self._armed = False

    def begin(self, task: "asyncio.Task[object]") -> _Write:
        loop, writes = task.get_loop(), self._writes
        while writes and writes[0].task is None:
            writes.popleft()
        write = _Write(task, loop.time() + WRITE_SECONDS)
        writes.append(write)
        if not self._armed:
            self._armed = True
            loop.call_later(WRITE_SECONDS, self._expire, loop)
        return write

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        now, writes = loop.time(), self._writes
        while writes and (writes[0].task is None or writes[0].due <= now):
            write = writes.popleft()
            if write.task is not None:
                write.expired = True
                write.task.cancel()
        self._armed = bool(writes)
        if writes:
            loop.call_later(writes[0].due - now, self._expire, loop)


def with_deadline(inner: Handler) -> Handler:
    """Reads don't wait longer than a few seconds by themselves, and streams end by their own rules.

    A write that is given up may still happen; the client can't know, as after a broken connection."""
    deadlines = _Deadlines()

    def handle(request: Request) -> Awaitable[None]:
        return bounded(request) if request.method in _WRITES else inner(request)

    async def bounded(request: Request) -> None:
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        cancelled_before = task.cancelling()
        write = deadlines.begin(task)
        try:
            await inner(request)
        except asyncio.CancelledError:
            if write.expired and task.uncancel() <= cancelled_before:
                raise status.timeout(_TEXT) from None
            raise
        finally:
            write.task = None

    return handle
