"""Standard input on its way to a process: a bounded queue between the client and a FIFO."""

import asyncio
from collections import deque

from strongroom.node.streaming import fifos

_LIMIT = 1024 * 1024


class Stdin:
    """Bytes wait here while the process does not read them. `run` moves them on; `close` marks their end."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._queue: deque[bytes] = deque()
        self._size = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, data: bytes) -> None:
        """Add bytes, however many wait; ignored after `close`."""
        if data and not self._closed:
            self._queue.append(data)
            self._size += len(data)
            if self._size >= self._limit:
                self._room.clear()
            self._changed.set()

    def close(self) -> None:
        """No more will come. What waits is still delivered."""
        self._closed = True
        self._changed.set()

    async def has_room(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until fewer bytes wait than the limit; whether it is so."""
        try:
            async with asyncio.timeout(timeout):
                await self._room.wait()
        except TimeoutError:
            return False
        return True

    async def run(self, writer: fifos.Writer) -> bool:
        """Write to a FIFO until `close`; false if the reader went away first, and the rest is dropped."""
        while True:
            while self._queue:
                data = self._queue.popleft()
                try:
                    await writer.write(data)
                except BrokenPipeError:
                    self._drop()
                    return False
                self._size -= len(data)
                if self._size < self._limit:
                    self._room.set()
            if self._closed:
                return True
            self._changed.clear()
            await self._changed.wait()

    def _drop(self) -> None:
        self._closed = True
        self._queue.clear()
        self._size = 0
        self._room.set()
