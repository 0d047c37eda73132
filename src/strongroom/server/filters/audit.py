"""Every answer is on record before it leaves."""

from datetime import datetime
from typing import Final

from strongroom.machinery import status
from strongroom.server import responses
from strongroom.server.audit.recorder import Recorder, Unrecorded
from strongroom.server.filters import Handler
from strongroom.server.request import Disconnected, Message, Request

_STARTS: Final = ("http.response.start", "websocket.accept")
_SWITCHING: Final = 101
_LONG: Final = frozenset(("exec", "attach", "portforward", "log"))


def with_audit(inner: Handler, recorder: Recorder) -> Handler:
    """One event for each request; two, at start and end, for watches and sessions."""

    async def handle(request: Request) -> None:
        received, send = recorder.clock.now(), request.send
        answered = 0

        async def recorded(message: Message) -> None:
            nonlocal answered
            if not answered and message["type"] in _STARTS:
                answered = message.get("status", _SWITCHING)
                stage = "ResponseStarted" if answered < 300 and _is_long(request) else "ResponseComplete"
                try:
                    await recorder.record(request, stage, answered, received)
                except Unrecorded:
                    answered = 500
                    request.send = send
                    failure = status.internal_error("the audit log can't be written")
                    await responses.error(request, failure)
                    raise Disconnected from None
            await send(message)

        request.send = recorded
        try:
            await inner(request)
        finally:
            # Else request and function would hold one another, and wait for the garbage collector.
            request.send = send
            if answered and answered < 300 and _is_long(request):
                await _record_end(recorder, request, answered, received)

    return handle


def _is_long(request: Request) -> bool:
    info = request.info
    return info.verb == "watch" or (info.is_resource and info.subresource in _LONG)


async def _record_end(recorder: Recorder, request: Request, code: int, received: datetime) -> None:
    try:
        await recorder.record(request, "ResponseComplete", code, received)
    except Unrecorded:
        pass  # its start is on record
