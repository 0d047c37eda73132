"""How a request reaches an API server: over HTTP, or straight into an ASGI application of this process.

Both transports send the same requests, so authentication, authorization and audit hold for either.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from strongroom.client.http import HTTPTransport
from strongroom.client.in_process import InProcessTransport
from strongroom.client.response import NO_HEADERS, ConnectionFailed, Headers, Response, StreamingResponse

__all__ = [
    "ConnectionFailed",
    "HTTPTransport",
    "InProcessTransport",
    "Response",
    "StreamingResponse",
    "Transport",
]

Query = Sequence[tuple[str, str]]


class Transport(Protocol):
    """Sends requests with the caller's credentials. Safe for concurrent use in one event loop.

    `path` is percent-encoded; `query` is not. Raises ConnectionFailed; every status is an answer.
    """

    async def request(
        self, method: str, path: str, *, query: Query = (), headers: Headers = NO_HEADERS, body: bytes = b""
    ) -> Response:
        """The whole answer."""
        ...

    def stream(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Headers = NO_HEADERS,
        body: bytes = b"",
        idle_timeout: float | None = None,
    ) -> AbstractAsyncContextManager[StreamingResponse]:
        """The answer as it arrives; leaving the context ends it at the server too.

        Nothing for `idle_timeout` seconds counts as a broken connection."""
        ...

    async def aclose(self) -> None:
        """Ends what is under way. Idempotent."""
        ...
