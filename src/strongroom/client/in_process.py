"""A transport into an ASGI application of the same event loop."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlencode

from strongroom.aio import tasks
from strongroom.client.response import NO_HEADERS, ConnectionFailed, Headers, Response, StreamingResponse

Message = MutableMapping[str, Any]
Application = Callable[
    [dict[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
"""An ASGI application: `await app(scope, receive, send)`."""

_log = logging.getLogger(__name__)
_DISCONNECT_GRACE = 0.5
"""Seconds that an application gets to end by itself after `http.disconnect`, before it is cancelled."""
_HIGH_WATER = 16 * 1024
"""Bytes that wait for the reader before `send` waits too."""


class InProcessTransport:
    """Calls an ASGI application of the same event loop: no socket, no thread, no copy of a body."""

    def __init__(self, app: Application, token: str = "") -> None:
        self._app = app
        self._headers = [(b"host", b"in-process")]
        if token:
            self._headers.append((b"authorization", f"Bearer {token}".encode()))
        self._tasks = tasks.TaskGroup("in-process", describe_errors=False)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Headers = NO_HEADERS,
        body: bytes = b"",
    ) -> Response:
        exchange = _Exchange(body)
        try:
            await exchange.run(self._app, self._scope(method, path, query, headers, body))
        except ConnectionFailed:
            if not exchange.complete:
                raise
        start = exchange.start
        if start is None or not exchange.complete:
            raise ConnectionFailed("the server gave no whole answer")
        return Response(start["status"], _decode_headers(start), b"".join(exchange.chunks))

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Headers = NO_HEADERS,
        body: bytes = b"",
        idle_timeout: float | None = None,
    ) -> AsyncIterator[StreamingResponse]:
        exchange = _StreamingExchange(body)
        scope = self._scope(method, path, query, headers, body)
        try:
            task = self._tasks.spawn(f"{method} {path}", exchange.run(self._app, scope))
        except RuntimeError as error:
            raise ConnectionFailed("the connection is closed") from error
        try:
            start = await exchange.started()
            yield StreamingResponse(start["status"], _decode_headers(start), exchange.read())
        finally:
            exchange.disconnect()
            if not task.done():
                await _finish(task)

    async def aclose(self) -> None:
        await self._tasks.aclose()

    def _scope(
        self, method: str, path: str, query: Sequence[tuple[str, str]], headers: Headers, body: bytes
    ) -> dict[str, Any]:
        raw = [
            *self._headers,
            *((n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers.items()),
        ]
        if body:
            raw.append((b"content-length", b"%d" % len(body)))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": unquote(path),
            "raw_path": path.encode("ascii"),
            "query_string": urlencode(query).encode("ascii"),
            "root_path": "",
            "headers": raw,
            "client": ("127.0.0.1", 0),
            "server": ("in-process", None),
            "state": {},
        }


async def _finish(task: asyncio.Task[None]) -> None:
    """Waits for an application that was told of the disconnect; cancels it when it lingers."""
    try:
        await asyncio.wait((task,), timeout=_DISCONNECT_GRACE)
    finally:
        if not task.done():
            task.cancel()
    if not task.done():
        await asyncio.wait((task,))


def _decode_headers(start: Message) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start.get("headers", ())
    }


class _Exchange:
    """One request and its collected answer, as ASGI messages."""

    def __init__(self, body: bytes) -> None:
        self.start: Message | None = None
        self.chunks: list[bytes] = []
        self.complete = False
        self._body: bytes | None = body
        self._over = asyncio.Event()

    async def run(self, app: Application, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self.receive, self.send)
        except Exception as error:
            raise ConnectionFailed(f"the server failed with {type(error).__name__}") from error
        finally:
            self._over.set()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            chunk = message.get("body", b"")
            if chunk:
                self.chunks.append(chunk)
            if not message.get("more_body", False):
                self.complete = True
                self._over.set()


class _StreamingExchange(_Exchange):
    """Hands chunks over as they come: `send` waits while the reader is behind."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self._pending = 0
        self._ended = False
        self._gone = False
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._started = asyncio.Event()

    async def run(self, app: Application, scope: dict[str, Any]) -> None:
        try:
            await super().run(app, scope)
        except ConnectionFailed as error:
            _log.debug("%s %s: %s", scope["method"], scope["path"], error)  # `complete` tells the reader
        finally:
            self._ended = True
            self._started.set()
            self._readable.set()

    async def send(self, message: Message) -> None:
        if self._gone:
            if not message.get("body") and not message.get("more_body"):
                return  # an application that ends on http.disconnect has nothing to be told
            raise OSError("the client has disconnected")
        if message["type"] == "http.response.start":
            self._started.set()
        await super().send(message)
        if self.chunks:
            self._readable.set()
        self._pending += len(message.get("body", b""))
        if self._pending > _HIGH_WATER:
            self._writable.clear()
            await self._writable.wait()
            if self._gone:
                raise OSError("the client has disconnected")

    async def started(self) -> Message:
        await self._started.wait()
        if self.start is None:
            raise ConnectionFailed("the server gave no answer")
        return self.start

    async def read(self) -> AsyncGenerator[bytes, None]:
        while True:
            if self.chunks:
                chunks, self.chunks, self._pending = self.chunks, [], 0
                self._writable.set()
                yield b"".join(chunks) if len(chunks) > 1 else chunks[0]
            elif self._ended or self.complete:
                break
            else:
                self._readable.clear()
                await self._readable.wait()
        if not self.complete:
            raise ConnectionFailed("the server broke off its answer")

    def disconnect(self) -> None:
        """The reader leaves: `receive` answers http.disconnect and a waiting `send` fails."""
        self._gone = True
        self._over.set()
        self._writable.set()
