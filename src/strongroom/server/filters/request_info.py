"""Finds out who asks what."""

from collections.abc import Awaitable

from strongroom.server import routing
from strongroom.server.filters import Handler
from strongroom.server.request import Request


def with_request_info(inner: Handler) -> Handler:
    route = routing.route

    def handle(request: Request) -> Awaitable[None]:
        request.info = route(request)
        return inner(request)

    return handle
