"""The client's side of an exec or attach: a WebSocket that speaks one of the channel protocols."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

from aiohttp import WSMsgType, web

from strongroom.node.streaming import channels

_TCP_INFO_SIZE = 8
_CLOSED_STATES = {7, 8}  # CLOSE, CLOSE_WAIT of include/net/tcp_states.h


class ConnectionLostError(Exception):
    """The client has gone."""


class Connection:
    """Channels over one WebSocket. Sending waits while the client does not take what was sent."""

    def __init__(self, websocket: web.WebSocketResponse, protocol: str, transport: asyncio.Transport) -> None:
        self._websocket = websocket
        self._transport = transport
        self.protocol = protocol

    @property
    def response(self) -> web.StreamResponse:
        """What the HTTP handler returns."""
        return self._websocket

    async def send(self, channel: int, data: bytes = b"") -> None:
        """Send on a channel; raises `ConnectionLostError`."""
        try:
            if channels.is_text(self.protocol):
                await self._websocket.send_str(channels.encode_text(channel, data))
            else:
                await self._websocket.send_bytes(channels.encode(channel, data))
        except (ConnectionError, RuntimeError) as error:
            raise ConnectionLostError from error

    async def messages(self) -> AsyncIterator[channels.Data | channels.Close]:
        """What the client sends, until it closes the connection or is lost."""
        async for message in self._websocket:
            if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                continue
            data = message.data if isinstance(message.data, bytes) else message.data.encode()
            decoded = channels.decode(data, self.protocol)
            if decoded is not None:
                yield decoded

    async def is_lost(self) -> bool:
        """Whether the client has gone, which is not seen otherwise while nothing is read from it.

        It may have gone with bytes unsent, and its end waits behind them. A ping makes its kernel say so.
        """
        try:
            await self._websocket.ping()
        except (ConnectionError, RuntimeError):
            return True
        if self._transport.is_closing():
            return True
        sock = self._transport.get_extra_info("socket")
        if sock is None or sock.family == socket.AF_UNIX:
            return False
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        return info[0] in _CLOSED_STATES

    async def finish(self, status: bytes) -> None:
        """Tell the result and close. A client that has gone is no error."""
        try:
            await self.send(channels.ERROR, channels.encode_result(status, self.protocol))
            await self._websocket.close()
        except ConnectionLostError:
            return


async def accept(request: web.Request) -> Connection:
    """Answer the upgrade; 400 where there is none, 403 for none but unknown protocols."""
    protocol = choose(request, channels.PROTOCOLS)
    websocket = await upgrade(request, protocol)
    if request.transport is None:
        raise ConnectionLostError
    return Connection(websocket, protocol, request.transport)


def choose(request: web.Request, protocols: Sequence[str]) -> str:
    """The first of `protocols` that the client speaks; 400 for no WebSocket, 403 if there is none."""
    if "websocket" not in request.headers.get("Upgrade", "").lower():
        raise web.HTTPBadRequest(text="unable to upgrade: only WebSocket is served")
    offered = [
        name.strip()
        for header in request.headers.getall("Sec-WebSocket-Protocol", [])
        for name in header.split(",")
    ]
    protocol = channels.negotiate(offered, protocols)
    if protocol is None:
        raise web.HTTPForbidden(
            text=f"unable to upgrade: none of the protocols is served: {', '.join(offered)}"
        )
    return protocol


async def upgrade(request: web.Request, protocol: str) -> web.WebSocketResponse:
    """Answer the upgrade."""
    websocket = web.WebSocketResponse(protocols=(protocol,), compress=False, autoping=True)
    await websocket.prepare(request)
    return websocket
