"""Joining a client to ports of a pod, through the runtime's streaming server.

Nobody here reads what goes through. Clients of today send SPDY frames inside of WebSocket messages, which the
runtime gets without the messages around them; older ones speak channels, which the runtime speaks as well
(KEP-4006 "Transition from SPDY to WebSockets").
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol
from urllib.parse import SplitResult, urlsplit

import aiohttp
from aiohttp import WSMsgType, web

from strongroom.aio import tasks
from strongroom.node.streaming import channels

TUNNEL: Final = "SPDY/3.1+portforward.k8s.io"
PROTOCOLS: Final = (TUNNEL, channels.V4, channels.V4_BASE64)
_UPGRADE: Final = (
    "POST {path} HTTP/1.1\r\n"
    "Host: {host}\r\n"
    "Connection: Upgrade\r\n"
    "Upgrade: SPDY/3.1\r\n"
    "X-Stream-Protocol-Version: portforward.k8s.io\r\n"
    "Content-Length: 0\r\n"
    "\r\n"
)
_SECONDS: Final = 10.0
_CHUNK: Final = 32 * 1024

Message = bytes | str


class UnreachableError(Exception):
    """The runtime's streaming server did not take the connection."""


class Peer(Protocol):
    """One connection to the runtime."""

    async def send(self, message: Message) -> None:
        """Waits while the other side does not take it. Raises OSError."""
        ...

    async def receive(self) -> Message | None:
        """None at the end. Raises OSError."""
        ...


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__


@asynccontextmanager
async def connect(session: aiohttp.ClientSession, url: str, protocol: str) -> AsyncIterator[Peer]:
    """A connection to the runtime for a client that speaks `protocol`. Raises UnreachableError."""
    if protocol == TUNNEL:
        async with _tunnel(url) as tunnel:
            yield tunnel
        return
    try:
        websocket = await session.ws_connect(url, protocols=(protocol,), max_msg_size=0, compress=0)
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise UnreachableError(f"error forwarding ports: {_told(error)}") from error
    async with websocket:
        yield _Channels(websocket)


async def forward(websocket: web.WebSocketResponse, peer: Peer) -> None:
    """Hand on what either side sends, until one of them ends it."""
    async with tasks.TaskGroup("port-forward", describe_errors=False) as group:
        outward = group.spawn("to-client", _outward(websocket, peer))
        inward = group.spawn("to-pod", _inward(websocket, peer))
        await asyncio.wait((outward, inward), return_when=asyncio.FIRST_COMPLETED)
    with suppress(ConnectionError, RuntimeError):
        await websocket.close()


async def _outward(websocket: web.WebSocketResponse, peer: Peer) -> None:
    with suppress(OSError, RuntimeError):
        while (message := await peer.receive()) is not None:
            if isinstance(message, str):
                await websocket.send_str(message)
            else:
                await websocket.send_bytes(message)


async def _inward(websocket: web.WebSocketResponse, peer: Peer) -> None:
    with suppress(OSError):
        async for message in websocket:
            if message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
                await peer.send(message.data)


class _Channels:
    """A runtime that speaks the client's protocol itself."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket

    async def send(self, message: Message) -> None:
        if isinstance(message, str):
            await self._websocket.send_str(message)
        else:
            await self._websocket.send_bytes(message)

    async def receive(self) -> Message | None:
        message = await self._websocket.receive()
        if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
            return None
        data: Message = message.data
        return data


class _Tunnel:
    """A runtime that was asked for SPDY: bytes, whose limits mean nothing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, message: Message) -> None:
        self._writer.write(message if isinstance(message, bytes) else message.encode())
        await self._writer.drain()

    async def receive(self) -> Message | None:
        return await self._reader.read(_CHUNK) or None


@asynccontextmanager
async def _tunnel(url: str) -> AsyncIterator[_Tunnel]:
    where = urlsplit(url)
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
    except OSError as error:
        raise UnreachableError(f"error forwarding ports: {_told(error)}") from error
    try:
        await _ask(reader, writer, where)
        yield _Tunnel(reader, writer)
    finally:
        writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: SplitResult) -> None:
    """Turn the connection into one for SPDY."""
    path = f"{where.path}?{where.query}" if where.query else where.path
    try:
        async with asyncio.timeout(_SECONDS):
            writer.write(_UPGRADE.format(path=path, host=where.netloc).encode())
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        raise UnreachableError(f"error forwarding ports: {_told(error)}") from error
    answer = head.partition(b"\r\n")[0].decode("latin-1")
    if answer.split(" ")[1:2] != ["101"]:
        raise UnreachableError(f"error forwarding ports: the runtime answered {answer}")
