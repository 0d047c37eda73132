"""Answers on the wire: bodies in the negotiated form, `Status` errors, headers that every answer carries."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson
from isal import isal_zlib

from strongroom.machinery import status
from strongroom.machinery.codec import yaml
from strongroom.server import negotiation
from strongroom.server.negotiation import Form
from strongroom.server.request import Request

GZIP_FROM: Final = 128 * 1024
"""Bodies over this size are compressed for clients that take it."""
_WARNINGS_MAX, _WARNING_CUT = 4096, 256
_GZIP_LEVEL, _GZIP_FORMAT = 1, 31

_JSON = (b"content-type", b"application/json")
_YAML = (b"content-type", b"application/yaml")
TEXT = (b"content-type", b"text/plain; charset=utf-8")
NO_CACHE = (b"cache-control", b"no-cache, private")
PUBLIC = (b"cache-control", b"public")
_NO_SNIFF = (b"x-content-type-options", b"nosniff")
_UNNAMED = (b"server", b"")
"""Kubernetes names no server. Granian puts its name where an answer has none: so it has an empty one."""
_GZIP = ((b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"))

Header = tuple[bytes, bytes]


async def send(
    request: Request,
    code: int,
    body: bytes,
    content_type: Header = _JSON,
    more: Iterable[Header] = (),
    cache: Header = NO_CACHE,
) -> None:
    """A whole answer."""
    headers = [content_type, (b"audit-id", request.audit_id), cache, _UNNAMED, *more]
    if request.warnings:
        headers += _warnings(request.warnings)
    if request.method == "HEAD":
        # By HTTP/2 Granian would send the body, which breaks the stream.
        headers.append((b"content-length", b"%d" % len(body)))
        body = b""
    request.started, request.code = True, code
    await request.send({"type": "http.response.start", "status": code, "headers": headers})
    await request.send({"type": "http.response.body", "body": body})


async def start(request: Request, content_type: Header = _JSON, more: Iterable[Header] = ()) -> None:
    """The head of an answer that is sent in parts by `part`. The first part, be it empty, sends it off.

    Raises StatusError 400 for a WebSocket, whose refusal has one part."""
    if request.scope["type"] == "websocket":
        raise status.bad_request("this path does not speak WebSocket")
    headers = [content_type, (b"audit-id", request.audit_id), NO_CACHE, _UNNAMED, *more]
    if request.warnings:
        headers += _warnings(request.warnings)
    request.started, request.code = True, 200
    await request.send({"type": "http.response.start", "status": 200, "headers": headers})


async def part(request: Request, body: bytes) -> None:
    await request.send({"type": "http.response.body", "body": body, "more_body": True})


async def end(request: Request) -> None:
    await request.send({"type": "http.response.body", "body": b""})


async def encoded(request: Request, code: int, body: bytes, form: Form) -> None:
    """An object whose compact JSON is `body` (without a newline), in the plain, pretty or YAML form."""
    if form.plain:
        await large(request, code, body + b"\n", _JSON)
    else:
        await decoded(request, code, orjson.loads(body), form)


async def decoded(request: Request, code: int, obj: Any, form: Form) -> None:
    """An object in the asked encoding; the form's `kind` is the caller's."""
    if form.yaml:
        await large(request, code, yaml.encode(obj), _YAML)
        return
    option = orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if form.pretty else 0)
    await large(request, code, orjson.dumps(obj, option=option), _JSON)


async def large(
    request: Request,
    code: int,
    body: bytes,
    content_type: Header = _JSON,
    more: Iterable[Header] = (),
    cache: Header = NO_CACHE,
) -> None:
    """A body that is compressed if it is large, the request a read, and the client takes gzip."""
    if len(body) <= GZIP_FROM or request.method != "GET" or not takes_gzip(request):
        await send(request, code, body, content_type, more, cache)
        return
    # Compressing leaves the GIL, so a thread keeps the loop free for the other requests.
    packed = await asyncio.get_running_loop().run_in_executor(None, _gzip, body)
    await send(request, code, packed, content_type, (*more, *_GZIP), cache)


def takes_gzip(request: Request) -> bool:
    accepted = request.headers.get(b"accept-encoding", b"")
    return b"gzip" in accepted and b"gzip;q=0" not in accepted.replace(b" ", b"")


def _gzip(body: bytes) -> bytes:
    # An eighth of the time that zlib takes for the same size: a list is waited for.
    return isal_zlib.compress(body, _GZIP_LEVEL, _GZIP_FORMAT)


async def text(request: Request, code: int, body: str, more: Iterable[Header] = ()) -> None:
    await send(request, code, body.encode(), TEXT, more)


async def error(request: Request, failure: status.StatusError, *, filtered: bool = False) -> None:
    """A `Status` in JSON or YAML. `filtered`: refused before it reached its handler."""
    if request.notes is not None:
        request.notes.failure = failure
    request.warnings += failure.warnings
    more: list[Header] = [_NO_SNIFF] if filtered else []
    if failure.retry_after:
        more.append((b"retry-after", b"%d" % failure.retry_after))
    try:
        form = negotiation.choose(request)
    except status.StatusError:
        form = negotiation.PLAIN
    if form.yaml:
        await send(request, failure.code, yaml.encode(failure.to_dict()), _YAML, more)
    elif form.pretty:
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        await send(request, failure.code, orjson.dumps(failure.to_dict(), option=option), _JSON, more)
    else:
        await send(request, failure.code, failure.body(), _JSON, more)


def _warnings(texts: Sequence[str]) -> list[Header]:
    distinct = list(dict.fromkeys(texts))
    if sum(map(len, distinct)) > _WARNINGS_MAX:
        distinct = _cut(distinct)
    return [(b"warning", b'299 - "%b"' % _quoted(each)) for each in distinct]


def _cut(texts: Sequence[str]) -> list[str]:
    """Short ones, and none any more when enough is told: headers have an end."""
    told: list[str] = []
    total = 0
    for text in texts:
        if total >= _WARNINGS_MAX:
            break
        told.append(text[:_WARNING_CUT])
        total += len(told[-1])
    return told


def _quoted(warning: str) -> bytes:
    kept = "".join(char for char in warning if char.isprintable())
    return kept.replace("\\", "\\\\").replace('"', '\\"').encode()
