"""A transport over HTTP, with aiohttp."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from strongroom.client.response import NO_HEADERS, ConnectionFailed, Headers, Response, StreamingResponse

if TYPE_CHECKING:
    import aiohttp

_CONNECT_TIMEOUT = 10.0
_REQUEST_TIMEOUT = 90.0
"""Seconds; a server answers within 60, and one that does not is gone."""


class HTTPTransport:
    """Speaks HTTP/1.1 to `server` (`https://host:port`), with connections kept open."""

    def __init__(self, server: str, token: str = "", ssl_context: ssl.SSLContext | None = None) -> None:
        self._server = server.rstrip("/")
        self._token = token
        self._ssl = ssl_context
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    def use_token(self, token: str) -> None:
        """Requests from now on carry this one."""
        self._token = token

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Headers = NO_HEADERS,
        body: bytes = b"",
    ) -> Response:
        with self._errors():
            answer = await self._send(method, path, query, headers, body, total=_REQUEST_TIMEOUT, idle=None)
            async with answer:
                return Response(answer.status, _lower(answer.headers), await answer.read())

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
        with self._errors():
            answer = await self._send(method, path, query, headers, body, total=None, idle=idle_timeout)
        try:
            yield StreamingResponse(answer.status, _lower(answer.headers), self._chunks(answer))
        finally:
            answer.close()

    async def aclose(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def _send(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        headers: Headers,
        body: bytes,
        *,
        total: float | None,
        idle: float | None,
    ) -> "aiohttp.ClientResponse":
        import aiohttp  # takes 0.3 s, and a client within the server's process never needs it
        import yarl

        if self._closed:
            raise ConnectionFailed("the connection is closed")
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, ssl=self._ssl if self._ssl is not None else True)
            self._session = aiohttp.ClientSession(connector=connector)
        url = yarl.URL(f"{self._server}{path}" + (f"?{urlencode(query)}" if query else ""), encoded=True)
        if self._token:
            headers = {"Authorization": f"Bearer {self._token}", **headers}
        timeout = aiohttp.ClientTimeout(total=total, sock_connect=_CONNECT_TIMEOUT, sock_read=idle)
        return await self._session.request(
            method, url, headers=headers, data=body or None, timeout=timeout, allow_redirects=False
        )

    async def _chunks(self, answer: "aiohttp.ClientResponse") -> AsyncGenerator[bytes, None]:
        with self._errors():
            async for chunk in answer.content.iter_any():
                yield chunk

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """aiohttp's errors as ours."""
        import aiohttp

        try:
            yield
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConnectionFailed(f"{self._server}: {str(error) or type(error).__name__}") from error


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
