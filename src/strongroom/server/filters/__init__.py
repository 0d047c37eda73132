"""What each request passes before its handler; `app.build_handler_chain` has their order."""

from collections.abc import Awaitable, Callable

from strongroom.server.request import Request

Handler = Callable[[Request], Awaitable[None]]
