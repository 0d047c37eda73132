"""What is counted of requests: how many of which kind had which answer, and how long they took.

Plain ints and lists, since it happens for every request. Labels come from the register of what is served:
what a client makes up is counted, but not kept.
"""

from collections.abc import Callable, Iterator
from typing import Final

from strongroom.machinery.request_info import RequestInfo
from strongroom.server.request import Request
from strongroom.telemetry.metrics import Histogram
from strongroom.telemetry.requests import SECONDS, Count, Kind

_VERBS: Final = {
    "get": "GET",
    "list": "LIST",
    "watch": "WATCH",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETECOLLECTION",
}
_METHODS: Final = frozenset(("get", "head", "post", "put", "patch", "delete", "options"))
_CONNECT: Final = frozenset(("exec", "attach", "portforward", "proxy", "log"))
_PLAIN: Final = frozenset(("get", "create", "update", "delete"))
"""Verbs that, but for a dry run, say all that the labels say."""
_UPGRADED: Final = 101
_OTHER: Final = "other"


def may_be_dry(query: bytes) -> bool:
    """Whether a query may name `dryRun`, escaped or not."""
    return b"dryRun" in query or b"%" in query


class RequestCounts:
    """`serves`: whether there is such a resource, or path."""

    def __init__(self, serves: Callable[[RequestInfo], bool]) -> None:
        self._serves = serves
        self._counts: dict[tuple[Kind, int], Count] = {}
        self._latencies: dict[Kind, Histogram] = {}

    def __iter__(self) -> Iterator[Count]:
        return iter(list(self._counts.values()))

    def latencies(self) -> list[tuple[Kind, Histogram]]:
        return list(self._latencies.items())

    def of(self, request: Request) -> Count:
        """Where a request is counted that is over. Kept in its resource's tally, where that is right for all
        requests with the same verb and answer that can't be dry runs."""
        kind = self.kind(request)
        code = request.code or (_UPGRADED if request.started else 0)
        count = self._counts.get((kind, code))
        if count is None:
            latency = self._latencies.setdefault(kind, Histogram(SECONDS))
            count = self._counts[kind, code] = Count(kind, code, latency)
        if request.tally is not None and request.info.verb in _PLAIN and not may_be_dry(request.query_string):
            request.tally[request.info.verb, request.code] = count
        return count

    def kind(self, request: Request) -> Kind:
        """Labels of a request: what is not served has its verb alone."""
        try:
            info = request.info
        except AttributeError:
            return Kind(_OTHER)  # refused before its path was read
        if not self._serves(info):
            return Kind(_VERBS.get(info.verb, _OTHER))
        if not info.is_resource:
            return Kind(info.verb.upper() if info.verb in _METHODS else _OTHER, subresource=info.path)
        verb = _VERBS.get(info.verb, _OTHER)
        if info.subresource in _CONNECT:
            verb = "CONNECT"
        elif verb == "PATCH" and b"apply-patch" in request.headers.get(b"content-type", b""):
            verb = "APPLY"
        dry_run = "All" if request.parameter("dryRun") == "All" else ""
        return Kind(verb, dry_run, info.group, info.version, info.resource, info.subresource, _scope(info))


def _scope(info: RequestInfo) -> str:
    if info.name or info.verb == "create":
        return "resource"
    return "namespace" if info.namespace else "cluster"
