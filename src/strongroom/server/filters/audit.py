"""Every answer is on record before it leaves."""

from collections.abc import Awaitable
from typing import Final

from strongroom.machinery import status
from strongroom.server import responses
from strongroom.server.audit.notes import Notes
from strongroom.server.audit.policy import COMPLETE, PANIC, RECEIVED, STARTED
from strongroom.server.audit.recorder import Recorder, Unrecorded
from strongroom.server.filters import Handler
from strongroom.server.request import Disconnected, Message, Request

_STARTS: Final = ("http.response.start", "websocket.accept")
_SWITCHING: Final = 101
_LONG: Final = frozenset(("exec", "attach", "portforward", "log"))


def with_audit(inner: Handler, recorder: Recorder) -> Handler:
    """One event for each request; two, at start and end, for watches and sessions."""

    async def handle(request: Request) -> None:
        exchange = request.notes = _Exchange(request, recorder)
        request.send = exchange.recorded
        try:
            await inner(request)
        finally:
            request.send = exchange.send
            if exchange.is_long:
                await exchange.end()
            # Else they would hold one another, and wait for the garbage collector.
            request.notes = None

    return handle


class _Exchange(Notes):
    """One request with its answer: `recorded` is what handlers send by until the answer is on record."""

    __slots__ = ("_answered", "_held", "_received", "_recorder", "_request", "is_long", "send")

    def __init__(self, request: Request, recorder: Recorder) -> None:
        super().__init__(keeps_body=recorder.keeps_bodies)
        self.send = request.send
        self.is_long = False
        self._request = request
        self._recorder = recorder
        self._received = recorder.clock.now()
        self._answered = 0
        self._held: list[Message] | None = None

    async def recorded(self, message: Message) -> None:
        if self._held is not None:
            self._held.append(message)
            if not message.get("more_body", False):
                await self._release(self._held)
            return
        if not self._answered and message["type"] in _STARTS:
            self._answered = code = message.get("status", _SWITCHING)
            self.is_long = code < 300 and _is_long(self._request)
            if self.keeps_body and not self.is_long and self._recorder.shows_answer(self._request):
                self._held = [message]
                return
            await self._record(STARTED if self.is_long else COMPLETE)
        await self.send(message)

    async def end(self) -> None:
        """Of a watch or session."""
        try:
            await self._put(COMPLETE)
        except Unrecorded:
            pass  # its start is on record

    async def _release(self, held: list[Message]) -> None:
        """Record what was held back, now that it is whole, and let it go."""
        self.answer = b"".join(message.get("body", b"") for message in held)
        await self._record(COMPLETE, _media(held[0]))
        for message in held:
            await self.send(message)

    async def _record(self, stage: str, answered_as: str = "") -> None:
        request = self._request
        try:
            await self._put(stage, answered_as)
        except Unrecorded:
            self._answered, self.is_long = 500, False
            request.send = self.send
            failure = status.internal_error("the audit log can't be written")
            await responses.error(request, failure)
            raise Disconnected from None
        # What follows leaves as it is.
        request.send = self.send

    def _put(self, stage: str, answered_as: str = "") -> Awaitable[None]:
        stage = PANIC if self.panic else stage
        return self._recorder.record(self._request, stage, self._answered, self._received, answered_as)


def with_received(inner: Handler, recorder: Recorder) -> Handler:
    """An event of the stage RequestReceived, where the policy wants it: as soon as the sender is known."""
    if not recorder.records_received:
        return inner

    def handle(request: Request) -> Awaitable[None]:
        return received(request)

    async def received(request: Request) -> None:
        try:
            await recorder.record(request, RECEIVED, 0, recorder.clock.now())
        except Unrecorded:
            raise status.internal_error("the audit log can't be written") from None
        await inner(request)

    return handle


def _is_long(request: Request) -> bool:
    info = request.info
    return info.verb == "watch" or (info.is_resource and info.subresource in _LONG)


def _media(head: Message) -> str:
    encoded = any(name == b"content-encoding" for name, _ in head.get("headers", ()))
    found = next((value for name, value in head.get("headers", ()) if name == b"content-type"), b"")
    return "" if encoded else found.decode("latin-1")
