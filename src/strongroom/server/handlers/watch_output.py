"""How a watch's events leave: as lines of an answer without an end, or as messages of a WebSocket."""

from collections.abc import Sequence
from typing import Protocol

from strongroom.server import responses
from strongroom.server.request import Disconnected, Request

_NORMAL = 1000


class Output(Protocol):
    """`start`, any number of `part`, `end`. Raises what the connection raises when it is lost."""

    async def start(self) -> None:
        """Tell the client that the watch has begun; it waits for that, and not for the first event."""
        ...

    async def part(self, lines: bytes) -> None:
        """Whole events, a line each; or none, by which a lost connection may be noticed."""
        ...

    async def left(self) -> None:
        """Returns when the client has left."""
        ...

    async def end(self) -> None:
        """The events are over; nobody waits in `left`."""
        ...


def of(request: Request) -> Output:
    """As the request came."""
    return Messages(request) if request.scope["type"] == "websocket" else Lines(request)


class Lines:
    """An answer in chunks."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def start(self) -> None:
        await responses.start(self._request)
        await responses.part(self._request, b"")  # sends the head off

    async def part(self, lines: bytes) -> None:
        try:
            await responses.part(self._request, lines)
        except OSError:  # how ASGI says that the client has gone
            raise Disconnected from None

    async def left(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass

    async def end(self) -> None:
        await responses.end(self._request)


class Messages:
    """A text message for each event, as kube-apiserver sends them, the newline with it. What the client sends
    is read and forgotten."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def start(self) -> None:
        request = self._request
        if (await request.receive())["type"] != "websocket.connect":
            raise Disconnected
        request.started = True
        # Kubernetes sends the only one back, whatever it is: a browser wants to see one that it has offered.
        offered: Sequence[str] = request.scope.get("subprotocols") or ()
        chosen = {"subprotocol": offered[0]} if len(offered) == 1 else {}
        await request.send({"type": "websocket.accept", **chosen})

    async def part(self, lines: bytes) -> None:
        for line in lines.splitlines(keepends=True):
            await self._request.send({"type": "websocket.send", "text": line.decode()})

    async def left(self) -> None:
        while (await self._request.receive())["type"] != "websocket.disconnect":
            pass

    async def end(self) -> None:
        await self._request.send({"type": "websocket.close", "code": _NORMAL})
