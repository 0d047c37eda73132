"""Cuts off the connections to a port that nobody uses.

The HTTP server under us has no limit for a client that finishes the TLS handshake and sends nothing, or half
of an HTTP/2 preface, nor for one that keeps an HTTP/2 connection without a stream.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from strongroom.server.connections.idle import Connection, Idle, Limits
from strongroom.server.connections.kernel import Connections
from strongroom.server.connections.peers import InUse, Peers
from strongroom.server.connections.room import Room

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)
_UNASKED: Final = "connections without a request are not cut off, since the kernel does not list them: %s"


class Reaper:
    """`run` until cancelled. What is in use it learns from `peers`.

    `listener`: what they come to, a descriptor of its own; at most `backlog` wait there."""

    def __init__(self, listener: socket.socket, backlog: int, limits: Limits, peers: Peers) -> None:
        self._peers = peers
        self._limits = limits
        self._idle = Idle(limits)
        self._room = Room(listener, backlog)
        self._connections: Connections | None = None
        try:
            self._connections = Connections(listener.family, listener.getsockname()[1])
        except (OSError, AttributeError) as error:  # Not Linux, or one that keeps it to itself.
            _log.info(_UNASKED, error)

    async def run(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(self._limits.sweep)
            now = time.monotonic()
            await self._sweep(now - last)
            last = now

    def close(self) -> None:
        """After `run` has ended. Idempotent."""
        self._close()
        self._room.close()

    async def _sweep(self, elapsed: float) -> None:
        try:
            cut = await self._look(elapsed)
        except OSError as error:
            _log.info(_UNASKED, error)
            self._close()
            return
        if cut:
            _log.info("cut off %d connections without a request", cut)

    async def _look(self, elapsed: float) -> int:
        connections = self._connections
        if connections is None:
            self._peers.take()
            return 0
        there = await _apart(connections.open)
        # Not before: a request on one of these must not be missed.
        in_use = self._peers.take()
        return await _apart(lambda: self._cut(connections, elapsed, there, in_use))

    def _cut(
        self, connections: Connections, elapsed: float, there: Sequence[Connection], in_use: InUse
    ) -> int:
        unused = self._idle.to_cut(elapsed, there, in_use)
        cut = connections.cut(unused) if unused else 0
        self._room.settle()
        return cut

    def _close(self) -> None:
        if self._connections is not None:
            self._connections.close()
            self._connections = None


async def _apart(work: Callable[[], _Result]) -> _Result:
    """The result of `work`, done in a thread. Not left behind when cancelled: what it uses is closed next."""
    doing = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        await asyncio.wait((doing,))
    except asyncio.CancelledError:
        await asyncio.wait((doing,))
        raise
    return doing.result()
