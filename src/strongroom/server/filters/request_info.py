"""Finds out who asks what."""

from strongroom.server import routing
from strongroom.server.filters import Handler
from strongroom.server.request import Request


def with_request_info(inner: Handler) -> Handler:
    async def handle(request: Request) -> None:
        request.info = routing.route(request)
        await inner(request)

    return handle
