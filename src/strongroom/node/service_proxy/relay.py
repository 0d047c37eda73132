"""Passes TCP connections of pods on to an API that listens on this machine's loopback address alone.

It sees TLS and nothing in it; who asks what is the API's to decide.
"""

import asyncio
import contextlib
import socket
from typing import Final

from strongroom.aio.tasks import TaskGroup

_PIECE: Final = 64 * 1024
_BACKLOG: Final = 128
_FREEBIND: Final = 15  # IP_FREEBIND of <linux/in.h>: the address may come to be later, with the first pod


class Relay:
    """Listens from `start` to `aclose`; what comes in goes to `target`, a host and port."""

    def __init__(self, address: str, target: tuple[str, int]) -> None:
        self._address = address
        self._target = target
        self._tasks = TaskGroup("api-relay", describe_errors=False)
        self._server: asyncio.Server | None = None
        self.port = 0
        """The port listened on, once started."""

    async def start(self) -> None:
        """Raises OSError when the address can't be listened on."""
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_IP, _FREEBIND, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._address, 0))
            self.port = bound.getsockname()[1]
            self._server = await asyncio.start_server(self._accepted, sock=bound, backlog=_BACKLOG)
        except BaseException:
            bound.close()
            raise

    async def aclose(self) -> None:
        """Stop listening and break off what is open. Idempotent."""
        if self._server is not None:
            self._server.close()
        await self._tasks.aclose()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._pass_on(reader, writer)
        finally:
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            their_reader, their_writer = await asyncio.open_connection(*self._target)
        except OSError:
            return
        try:
            there = self._tasks.spawn("there", _pump(reader, their_writer))
            await _pump(their_reader, writer)
            await there
        except RuntimeError:
            return  # closing down
        finally:
            their_writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """All bytes, then the end. A broken connection is an end too."""
    with contextlib.suppress(OSError):
        while data := await source.read(_PIECE):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
