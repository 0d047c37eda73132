"""`/openapi/v3`: the index, and a document per group and version, cacheable by its hash. And `/openapi/v2`:
one document for all, which older clients ask for in protobuf."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from strongroom.api.openapi import OpenAPI
from strongroom.server import responses
from strongroom.server.request import Request

ROOT: Final = "/openapi/v3"
V2: Final = "/openapi/v2"
PATHS: Final = (V2, ROOT)
_YEAR: Final = timedelta(days=365)
_PROTOBUF_NAMES: Final = (
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",  # what it was called before 1.24
)
_JSON_NAME: Final = "application/json"
_JSON: Final = (b"content-type", _JSON_NAME.encode())
_PROTOBUF: Final = (b"content-type", _PROTOBUF_NAMES[0].encode())


class OpenAPIDocuments:
    """Serves the documents; they are made at the first request, outside the loop's thread."""

    def __init__(self, documents: OpenAPI) -> None:
        self._documents = documents

    def has(self, path: str) -> bool:
        return path in PATHS or path.startswith(f"{ROOT}/")

    async def serve(self, request: Request) -> None:
        """Answer a path that `has` knows, by whatever method, as Kubernetes does."""
        if request.path == V2:
            await self._v2(request)
            return
        loop = asyncio.get_running_loop()
        path = request.path.rstrip("/").removeprefix(ROOT).lstrip("/")
        if not path:
            index = await loop.run_in_executor(None, lambda: self._documents.index)
            await self._send(request, index.body, index.etag)
            return
        document = await loop.run_in_executor(None, self._documents.document, path)
        if document is None:
            await _refuse(request, 404)
            return
        if _acceptable(request, (_JSON_NAME,)) is None:
            await _refuse(request, 406)
            return
        asked = request.parameter("hash")
        if asked and asked != document.hash:
            location = f"{ROOT}/{path}?hash={document.hash}".encode()
            await responses.send(request, 301, b"", more=[(b"location", location)])
            return
        await self._send(request, document.body, document.etag, immutable=bool(asked))

    async def _v2(self, request: Request) -> None:
        form = _acceptable(request, (_JSON_NAME, *_PROTOBUF_NAMES))
        if form is None:
            await _refuse(request, 406)
            return
        protobuf = form != _JSON_NAME
        loop = asyncio.get_running_loop()
        documents = self._documents
        made = await loop.run_in_executor(None, lambda: documents.v2_protobuf if protobuf else documents.v2)
        await self._send(request, made.body, made.etag, content_type=_PROTOBUF if protobuf else _JSON)

    async def _send(
        self,
        request: Request,
        body: bytes,
        etag: str,
        *,
        immutable: bool = False,
        content_type: responses.Header = _JSON,
    ) -> None:
        headers = [(b"etag", etag.encode()), (b"vary", b"Accept")]
        cache = responses.NO_CACHE
        if immutable:
            cache = (b"cache-control", b"public, immutable")
            headers.append((b"expires", format_datetime(datetime.now(UTC) + _YEAR, usegmt=True).encode()))
        if etag in request.header(b"if-none-match"):
            await responses.send(request, 304, b"", more=headers, cache=cache)
        else:
            await responses.large(request, 200, body, content_type, headers, cache)


def _acceptable(request: Request, offered: Sequence[str]) -> str | None:
    """The first form that the first clause which can be met asks for."""
    for clause in (request.header(b"accept") or "*/*").split(","):
        media = clause.partition(";")[0].strip()
        for form in offered:
            if media in (form, "application/*", "*/*"):
                return form
    return None


async def _refuse(request: Request, code: int) -> None:
    """As upstream's handlers of these paths say it: without a word."""
    await responses.send(request, code, b"", responses.TEXT, [(b"vary", b"Accept")])
