"""HTTP/1.1 with as little as possible between a test and the wire: for load, and for counting what came
back."""

import asyncio
import json
from types import TracebackType

from strongroom.testing import api


class Connection:
    """One kept TLS connection; an async context manager. One request at a time."""

    def __init__(self, access: api.Access) -> None:
        self._access = access
        self._head = "".join(f"{name}: {value}\r\n" for name, value in access.headers.items())
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> "Connection":
        access = self._access
        self._reader, self._writer = await asyncio.open_connection(
            access.host, access.port, ssl=access.context, limit=1 << 20
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def request(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        """Status and body of one exchange; `body` is sent as JSON. Raises `OSError` or
        `asyncio.IncompleteReadError` when the connection breaks."""
        data = b"" if body is None else json.dumps(body).encode()
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: {self._access.host}\r\n{self._head}"
            f"Content-Type: {content_type}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        status = int(head[0].split(" ", 2)[1])
        if headers.get("transfer-encoding") == "chunked":
            return status, await self._chunks()
        return status, await self._reader.readexactly(int(headers.get("content-length", 0)))

    async def _chunks(self) -> bytes:
        parts = []
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            parts.append((await self._reader.readexactly(size + 2))[:-2])
        await self._reader.readuntil(b"\r\n")
        return b"".join(parts)
