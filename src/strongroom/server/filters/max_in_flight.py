"""Not more at once than can be served in time: 429 for what goes beyond, which clients send again.

The classic limits of kube-apiserver (`--max-requests-inflight`), whose answer is plain text."""

from typing import Final

from strongroom.server import in_flight, responses
from strongroom.server.authorization import masters
from strongroom.server.filters import Handler
from strongroom.server.in_flight import InFlight
from strongroom.server.request import Request

_TEXT: Final = "Too many requests, please try again later.\n"
_HEADERS: Final = ((b"retry-after", b"1"), (b"x-content-type-options", b"nosniff"))


def with_max_in_flight(inner: Handler, counts: InFlight) -> Handler:
    """Members of `system:masters` get an answer even beyond the limit."""
    most_reads, most_writes = (limit or 1 << 62 for limit in counts.limits)
    reads = in_flight.READS
    long_verbs = in_flight.LONG_VERBS

    async def handle(request: Request) -> None:
        info = request.info
        if info.verb in long_verbs or (info.subresource and in_flight.is_long_running(info)):
            await _long_running(request, inner, counts)
        elif info.verb in reads:
            if counts.reading >= most_reads:
                await _beyond(request, inner, counts)
                return
            counts.reading += 1
            if counts.reading > counts.most_reading:
                counts.most_reading = counts.reading
            try:
                await inner(request)
            finally:
                counts.reading -= 1
        else:
            if counts.mutating >= most_writes:
                await _beyond(request, inner, counts)
                return
            counts.mutating += 1
            if counts.mutating > counts.most_mutating:
                counts.most_mutating = counts.mutating
            try:
                await inner(request)
            finally:
                counts.mutating -= 1

    return handle


async def _long_running(request: Request, inner: Handler, counts: InFlight) -> None:
    kind, client = counts.kind(request), request.scope.get("client")
    counts.long_running[kind] += 1
    counts.peers.hold(client)
    try:
        await inner(request)
    finally:
        counts.long_running[kind] -= 1
        counts.peers.release(client)


async def _beyond(request: Request, inner: Handler, counts: InFlight) -> None:
    if masters.GROUP in request.user.groups:
        await inner(request)
        return
    counts.refused[counts.kind(request)] += 1
    await responses.text(request, 429, _TEXT, _HEADERS)
