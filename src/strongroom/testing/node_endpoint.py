"""A client for the node's HTTPS endpoint, as the API server is one."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from strongroom.node.streaming import channels


@dataclass
class Result:
    """What came out of an exec or attach."""

    stdout: bytes = b""
    stderr: bytes = b""
    status: dict[str, Any] = field(default_factory=dict)
    announced: list[int] = field(default_factory=list)
    """Channels that the server opened with an empty message, in order."""
    close_code: int | None = None

    @property
    def exit_code(self) -> int:
        """The command's exit code; an AssertionError for one that could not be run."""
        if self.status == {"metadata": {}, "status": "Success"}:
            return 0
        assert self.status["reason"] == "NonZeroExitCode", self.status
        return int(self.status["details"]["causes"][0]["message"])


class NodeEndpoint:
    """Async context manager. `base` is `https://host:port`."""

    def __init__(self, base: str, token: str, trust: ssl.SSLContext) -> None:
        self.base = base
        self._token = token
        self._trust = trust

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}"},
            connector=aiohttp.TCPConnector(ssl=self._trust, limit=0, force_close=True),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    @asynccontextmanager
    async def connect(
        self, path: str, *, protocol: str = channels.V5, **query: Any
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket to `path`, such as `exec/default/p/c`. A list in the query is repeated."""
        pairs = [(key, one) for key, value in query.items() for one in _listed(value)]
        async with self.session.ws_connect(
            f"{self.base}/{path}", params=pairs, protocols=(protocol,), max_msg_size=0, compress=0
        ) as websocket:
            yield websocket

    async def exec(
        self, target: str, *command: str, stdin: bytes | None = None, verb: str = "exec", **more: Any
    ) -> Result:
        """Run a command in `target` (`pod/container`) to its end; given input is ended by half-closing."""
        query = {"command": command, "output": "1", "error": "1", **more}
        if stdin is not None:
            query["input"] = "1"
        async with self.connect(f"{verb}/default/{target}", **query) as websocket:
            async with asyncio.TaskGroup() as group:
                if stdin is not None:
                    group.create_task(_send(websocket, stdin))
                reading = group.create_task(read(websocket))
            return reading.result()

    async def get(self, path: str, **query: str) -> tuple[int, bytes]:
        """A plain GET: code and body."""
        async with self.session.get(f"{self.base}/{path}", params=query) as response:
            return response.status, await response.read()


async def read(websocket: aiohttp.ClientWebSocketResponse) -> Result:
    """Read to the end."""
    parts: dict[int, bytearray] = {channel: bytearray() for channel in range(5)}
    announced = []
    async for message in websocket:
        channel, data = message.data[0], message.data[1:]
        if not data:
            announced.append(channel)
        parts[channel] += data
    error = bytes(parts[channels.ERROR])
    return Result(
        bytes(parts[channels.STDOUT]),
        bytes(parts[channels.STDERR]),
        orjson.loads(error) if error else {},
        announced,
        websocket.close_code,
    )


async def _send(websocket: aiohttp.ClientWebSocketResponse, data: bytes) -> None:
    for start in range(0, len(data), 32 * 1024):
        if websocket.closed:
            return
        await websocket.send_bytes(channels.encode(channels.STDIN, data[start : start + 32 * 1024]))
    await websocket.send_bytes(channels.encode_close(channels.STDIN))


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]
