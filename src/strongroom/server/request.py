"""One request on its way through the filters to its handler."""

import asyncio
import contextlib
import itertools
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from strongroom.machinery import status
from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.audit.notes import Notes
from strongroom.server.authorization.authorizer import Verdict
from strongroom.telemetry.requests import Tally

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Mapping[bytes, bytes]

MAX_BODY = 3 * 1024 * 1024
_HEARD_OUT = 4 * MAX_BODY
_SHORT = 64 * 1024
_SHORT_SECONDS = 1.0
_NO_ANNOTATIONS: Mapping[str, str] = {}
_NO_QUERY: Mapping[str, list[str]] = {}
ANONYMOUS = UserInfo("system:anonymous", groups=("system:unauthenticated",))


class Disconnected(Exception):
    """The client left before it had sent its whole body."""


_ONCE = (b"authorization", b"impersonate-user", b"impersonate-uid")


def _headers(pairs: Sequence[tuple[bytes, bytes]]) -> Headers:
    """By name. Who says twice who they are is nobody: then the value is one that fits no scheme."""
    headers = dict(pairs)
    if len(headers) != len(pairs):
        for name in _ONCE:
            if name in headers and sum(other == name for other, _ in pairs) > 1:
                headers[name] = b"\0"
    return headers


def _audit_ids() -> Callable[[], bytes]:
    """Distinct identifiers in the form of a UUID: random per process, then counted."""
    h = os.urandom(10).hex()
    start = f"{h[:8]}-{h[8:12]}-4{h[12:15]}-8{h[15:18]}-".encode()
    count = itertools.count(int.from_bytes(os.urandom(5))).__next__
    return lambda: b"%b%012x" % (start, count())


_next_audit_id = _audit_ids()


class Request:
    """What the filters and handlers know. `info` and `user` are set by their filters.

    `warnings`: texts for `Warning` headers. `started`: the response's head is sent, `code`: its status, 0
    before that and for a WebSocket. `tally`: its resource's, once that is found. For the audit log:
    `verdict`, once authorization has spoken; `object_name`, where the path has none; `annotations`;
    `impersonated_by`: who sent the request, if not `user`; `notes`, if there is such a log."""

    __slots__ = (
        "_query",
        "_unread",
        "annotations",
        "audit_id",
        "code",
        "headers",
        "impersonated_by",
        "info",
        "method",
        "notes",
        "object_name",
        "path",
        "query_string",
        "receive",
        "scope",
        "send",
        "started",
        "tally",
        "user",
        "verdict",
        "warnings",
    )

    info: RequestInfo

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.method: str = scope.get("method", "GET")
        self.path: str = scope["path"]
        self.query_string: bytes = scope["query_string"]
        self.headers: Headers = _headers(scope["headers"])
        self.user: UserInfo = ANONYMOUS
        self.audit_id = self.headers.get(b"audit-id") or _next_audit_id()
        self.warnings: list[str] = []
        self.started = False
        self.code = 0
        self.tally: Tally | None = None
        self.verdict: Verdict | None = None
        self.object_name = ""
        self.annotations: Mapping[str, str] = _NO_ANNOTATIONS
        self.impersonated_by: UserInfo | None = None
        self.notes: Notes | None = None
        self._query: Mapping[str, list[str]] | None = None
        self._unread = True

    @property
    def query(self) -> Mapping[str, list[str]]:
        """The query's parameters, decoded."""
        if self._query is None:
            self._query = _NO_QUERY
            if self.query_string:
                parsed: dict[str, list[str]] = {}
                for name, value in parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True):
                    parsed.setdefault(name, []).append(value)
                self._query = parsed
        return self._query

    def parameter(self, name: str) -> str:
        """The first value of a parameter, or ""."""
        if not self.query_string:
            return ""
        values = self.query.get(name)
        return values[0] if values else ""

    def header(self, name: bytes) -> str:
        """A header's value, or "". `name` is lower-case."""
        return self.headers.get(name, b"").decode("latin-1")

    async def body(self) -> bytes:
        """The whole body. Raises StatusError 413, Disconnected."""
        self._unread = False
        expected = self.headers.get(b"content-length")
        length = int(expected) if expected is not None and expected.isdigit() else -1
        if length == 0:
            return b""
        if length > MAX_BODY:
            await self._hear_out()
            raise _too_large()
        chunks: list[bytes] = []
        total = 0
        while True:
            message = await self.receive()
            if message["type"] != "http.request":
                raise Disconnected
            chunk = message.get("body", b"")
            total += len(chunk)
            if total > MAX_BODY:
                await self._hear_out()
                raise _too_large()
            chunks.append(chunk)
            # With the announced length there is nothing to wait for; the last message may come much later.
            if total == length or not message.get("more_body", False):
                whole = chunks[0] if len(chunks) == 1 else b"".join(chunks)
                if self.notes is not None and self.notes.keeps_body:
                    self.notes.body = whole
                return whole

    async def drop_body(self) -> None:
        """Take what nobody asked for of a short body: else the connection would close behind the answer, and
        the client's next request could meet its end."""
        expected = self.headers.get(b"content-length", b"")
        if not self._unread or not expected.isdigit() or not 0 < int(expected) <= _SHORT:
            return
        self._unread = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SHORT_SECONDS):
                await self._hear_out()

    async def _hear_out(self) -> None:
        """Drop the rest of a body, within reason: a client that is still sending does not read the answer."""
        left = _HEARD_OUT
        while left > 0:
            message = await self.receive()
            if message["type"] != "http.request" or not message.get("more_body", False):
                return
            left -= len(message.get("body", b""))


def _too_large() -> status.StatusError:
    return status.too_large(f"limit is {MAX_BODY}")
