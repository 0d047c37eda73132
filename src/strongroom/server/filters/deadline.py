"""Writes end in time: 504 when one takes longer than a client waits."""

import asyncio

from strongroom.machinery import status
from strongroom.server.filters import Handler
from strongroom.server.request import Request

WRITE_SECONDS = 34.0
_WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))


def with_deadline(inner: Handler) -> Handler:
    """Reads don't wait longer than a few seconds by themselves, and streams end by their own rules.

    A write that is given up may still happen; the client can't know, as after a broken connection."""

    async def handle(request: Request) -> None:
        if request.method not in _WRITES or request.info.verb == "connect":
            await inner(request)
            return
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await inner(request)
        except TimeoutError:
            text = "request did not complete within requested timeout - context deadline exceeded"
            raise status.timeout(text) from None

    return handle
