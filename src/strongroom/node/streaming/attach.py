"""Joining a client to the streams of a container's first process, through the runtime's streaming server.

The runtime speaks v4 of the protocol, in which one connection cannot end standard input alone. So standard
input has a connection of its own: closing it is its end, and the runtime then closes the container's if
`stdinOnce` asks for that. The connection for output asks for standard input too and never sends any:
containerd takes the lack of it for its end.
"""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import aiohttp

from strongroom.aio import tasks
from strongroom.node.cri import errors
from strongroom.node.streaming import channels, connection, exit_status
from strongroom.node.streaming.containers import Runtime

_DOMAIN = "error attaching to container"


@dataclass(frozen=True, slots=True)
class Request:
    """Whose streams the client wants, and which."""

    container_id: str
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


class Attach:
    """One attach. `run` returns when either side has ended it."""

    def __init__(
        self,
        runtime: Runtime,
        session: aiohttp.ClientSession,
        request: Request,
        peer: connection.Connection,
    ) -> None:
        self._runtime = runtime
        self._session = session
        self._request = request
        self._peer = peer

    async def run(self) -> None:
        try:
            status = await self._run()
        except connection.ConnectionLostError:
            return
        except (errors.CRIError, aiohttp.ClientError) as error:
            status = exit_status.failed(str(error), _DOMAIN)
        await self._peer.finish(status)

    async def _run(self) -> bytes:
        request = self._request
        async with AsyncExitStack() as stack:
            output = incoming = None
            if request.stdout or request.stderr:
                output = await self._connect(stack, stdout=request.stdout, stderr=request.stderr)
            if request.stdin:
                incoming = await self._connect(stack)
            group = await stack.enter_async_context(tasks.TaskGroup("attach"))
            main = output or incoming
            if main is None:
                return exit_status.success()
            ended = group.spawn("output", self._output(main))
            client = group.spawn("client", self._receive(incoming, main))
            if incoming is not None and incoming is not main:
                group.spawn("drain", self._discard(incoming))
            await asyncio.wait([ended, client], return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                raise connection.ConnectionLostError
            return ended.result()

    async def _connect(
        self, stack: AsyncExitStack, *, stdout: bool = False, stderr: bool = False
    ) -> aiohttp.ClientWebSocketResponse:
        request = self._request
        url = await self._runtime.attach(
            request.container_id,
            stdin=True,
            stdout=stdout,
            stderr=stderr and not request.tty,
            tty=request.tty,
        )
        return await stack.enter_async_context(
            self._session.ws_connect(url, protocols=(channels.V4,), max_msg_size=0, compress=0)
        )

    async def _output(self, source: aiohttp.ClientWebSocketResponse) -> bytes:
        """Hand on what the container writes; the status at its end."""
        with suppress(connection.ConnectionLostError):
            return await self._move(source)
        return exit_status.success()

    async def _move(self, source: aiohttp.ClientWebSocketResponse) -> bytes:
        async for message in source:
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            match channels.decode(message.data, channels.V4):
                case channels.Data(channels.ERROR, data) if data:
                    return data
                case channels.Data(channels.STDOUT | channels.STDERR as channel, data):
                    await self._peer.send(channel, data)
        return exit_status.success()

    async def _discard(self, source: aiohttp.ClientWebSocketResponse) -> None:
        async for _ in source:
            pass

    async def _receive(
        self, incoming: aiohttp.ClientWebSocketResponse | None, main: aiohttp.ClientWebSocketResponse
    ) -> None:
        """Hand on what the client sends; returns when it has gone."""
        async for message in self._peer.messages():
            target = main
            match message:
                case channels.Data(channels.STDIN) if incoming is not None:
                    target = incoming
                case channels.Close(channels.STDIN) if incoming is not None and incoming is not main:
                    await incoming.close()
                    continue
                case channels.Data(channels.RESIZE) if self._request.tty:
                    pass
                case _:
                    continue
            # The container may have ended just now, which its output tells.
            with suppress(ConnectionError):
                await target.send_bytes(channels.encode(message.channel, message.data))
