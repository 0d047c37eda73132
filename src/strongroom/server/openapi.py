"""`/openapi/v3`: the index, and a document per group and version, cacheable by its hash. And
`/openapi/v2`."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from strongroom.api.openapi import OpenAPI
from strongroom.machinery import status
from strongroom.server import openapi_v2, responses
from strongroom.server.request import Request

ROOT: Final = "/openapi/v3"
_YEAR: Final = timedelta(days=365)


class OpenAPIDocuments:
    """Serves the documents; they are made at the first request, outside the loop's thread."""

    def __init__(self, documents: OpenAPI) -> None:
        self._documents = documents

    def has(self, path: str) -> bool:
        return path in (ROOT, openapi_v2.PATH) or path.startswith(f"{ROOT}/")

    async def serve(self, request: Request) -> None:
        """Answer a path that `has` knows. Raises StatusError 404, 405."""
        if request.method != "GET":
            raise status.method_not_allowed()
        if request.path == openapi_v2.PATH:
            await openapi_v2.send(request)
            return
        loop = asyncio.get_running_loop()
        path = request.path.rstrip("/").removeprefix(ROOT).lstrip("/")
        if not path:
            index = await loop.run_in_executor(None, lambda: self._documents.index)
            await self._send(request, index.body, index.etag)
            return
        document = await loop.run_in_executor(None, self._documents.document, path)
        if document is None:
            raise status.unknown_path()
        asked = request.parameter("hash")
        if asked and asked != document.hash:
            location = f"{ROOT}/{path}?hash={document.hash}".encode()
            await responses.send(request, 301, b"", more=[(b"location", location)])
            return
        await self._send(request, document.body, document.etag, immutable=bool(asked))

    async def _send(self, request: Request, body: bytes, etag: str, *, immutable: bool = False) -> None:
        headers = [(b"etag", etag.encode()), (b"vary", b"Accept")]
        cache = responses.NO_CACHE
        if immutable:
            cache = (b"cache-control", b"public, immutable")
            headers.append((b"expires", format_datetime(datetime.now(UTC) + _YEAR, usegmt=True).encode()))
        if etag in request.header(b"if-none-match"):
            await responses.send(request, 304, b"", more=headers, cache=cache)
        else:
            await responses.large(request, 200, body, more=headers, cache=cache)
