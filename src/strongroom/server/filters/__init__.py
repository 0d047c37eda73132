"""What each request passes before its handler; `app.build_handler_chain` has their order.

A filter that only looks before the handler is a plain function that gives the inner one's awaitable: every
coroutine around a request costs it time.
"""

from collections.abc import Awaitable, Callable

from strongroom.server.request import Request

Handler = Callable[[Request], Awaitable[None]]
