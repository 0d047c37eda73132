"""What comes back from an API server, whole or still arriving."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

Headers = Mapping[str, str]
NO_HEADERS: Headers = {}


class ConnectionFailed(Exception):
    """There was no whole answer: refused, cut, timed out. Whether a write happened is unknown.

    The message names the server and what went wrong, never a body or a header."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. Header names are lower-case. The body does not print."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StreamingResponse:
    """An answer that is still arriving. `chunks` raises ConnectionFailed when it breaks off."""

    status: int
    headers: Headers
    chunks: AsyncGenerator[bytes, None] = field(repr=False)

    async def read(self) -> bytes:
        """What remains of the body, to its end."""
        return b"".join([chunk async for chunk in self.chunks])
