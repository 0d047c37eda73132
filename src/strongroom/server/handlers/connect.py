"""`pods/exec`, `attach`, `portforward`: a WebSocket, passed on between the client and the Pod's node.

It goes frame by frame; each side is read only as fast as the other takes it, and frames are theirs alone.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from strongroom.aio import tasks
from strongroom.machinery import status
from strongroom.registry.catalog import Catalog
from strongroom.server import routing
from strongroom.server.authorization.authorizer import Authorizer, Decision
from strongroom.server.filters import authorization
from strongroom.server.handlers import pod_target, port_forward
from strongroom.server.node_connection import Endpoint, NodeConnector, Query
from strongroom.server.request import Request

if TYPE_CHECKING:
    import aiohttp

UNNAMED = "channel.k8s.io"
"""The protocol of who names none."""
PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    UNNAMED,
    "base64.channel.k8s.io",
)
SUBRESOURCES = ("exec", "attach", port_forward.SUBRESOURCE)
_PATHS = {port_forward.SUBRESOURCE: "portForward"}
_NORMAL, _GOING_AWAY = 1000, 1001


class ConnectHandler:
    """Serves exec, attach and port-forward."""

    def __init__(self, catalog: Catalog, nodes: NodeConnector, authorizer: Authorizer) -> None:
        self._catalog = catalog
        self._nodes = nodes
        self._authorizer = authorizer
        self._open: set[aiohttp.ClientWebSocketResponse] = set()

    async def connect(self, request: Request) -> None:
        """Raises StatusError for a plain request: what stands in the way, or that it must be a WebSocket."""
        info = request.info
        # To run something is more than to read, whatever the method of the handshake.
        verdict = self._authorizer.authorize(request.user, info._replace(verb="create"))
        if verdict.decision is not Decision.ALLOW:
            raise authorization.denial(request.user, info._replace(verb="create"), verdict.reason)
        if "dryRun" in request.query:
            raise status.bad_request("dryRun is not supported")
        target, query, served = await self._asked(request)
        node = pod_target.scheduled(target)
        path = target.path(_PATHS.get(info.subresource, info.subresource))
        if request.scope["type"] != "websocket":
            raise await self._not_a_websocket(request, served, node, path, query)
        named = request.scope.get("subprotocols") or ()
        offered = [p for p in served if p in (named or (_unnamed(info.subresource),))]
        if not offered:
            raise status.bad_request(
                f"none of the offered subprotocols is supported; supported: {', '.join(served)}"
            )
        if info.subresource == port_forward.SUBRESOURCE:
            port_forward.check(offered, query)
        upstream = await self._nodes.websocket(node, path, query, offered)
        self._open.add(upstream)
        try:
            await _serve(request, upstream, upstream.protocol if named else None)
        finally:
            self._open.discard(upstream)
            await upstream.close()

    async def _asked(self, request: Request) -> tuple[pod_target.Target, Query, Sequence[str]]:
        """The Pod, the node's query, and the protocols. Raises StatusError."""
        info = request.info
        if info.subresource == port_forward.SUBRESOURCE:
            query = port_forward.query(request)
            target = await pod_target.find_pod(self._catalog, info.namespace, info.name)
            return target, query, port_forward.PROTOCOLS
        query = _query(request)
        container = request.parameter("container")
        return await pod_target.find(self._catalog, info.namespace, info.name, container), query, PROTOCOLS

    async def _not_a_websocket(
        self, request: Request, served: Sequence[str], node: Endpoint, path: str, query: Query
    ) -> status.StatusError:
        """kubectl falls back to SPDY whatever it was that the WebSocket met, and shows the answer to this."""
        if not request.headers.get(b"upgrade", b"").lower().startswith(b"spdy"):
            return status.bad_request("Upgrade request required")
        return await self._nodes.refusal(node, path, query) or status.bad_request(
            "SPDY is not supported: upgrade to a WebSocket with one of the subprotocols " + ", ".join(served)
        )

    async def close(self) -> None:
        """End all sessions."""
        for upstream in list(self._open):
            await upstream.close(code=_GOING_AWAY)


def _unnamed(subresource: str) -> str:
    return port_forward.UNNAMED if subresource == port_forward.SUBRESOURCE else UNNAMED


def _query(request: Request) -> Query:
    """The node's query. Raises StatusError 400."""
    if request.info.subresource == "exec" and not request.query.get("command"):
        raise status.bad_request("you must specify at least one command for the container")
    tty = routing.truthy(request, "tty")
    query = [("command", command) for command in request.query.get("command", ())]
    names = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"))
    streams = [(theirs, "1") for ours, theirs in names if routing.truthy(request, ours)]
    if tty:
        # A terminal has one output.
        streams = [stream for stream in streams if stream[0] != "error"]
    if not streams:
        raise status.bad_request("you must specify at least 1 of stdin, stdout, stderr")
    return [*query, *streams, *([("tty", "1")] if tty else [])]


async def _serve(request: Request, upstream: "aiohttp.ClientWebSocketResponse", protocol: str | None) -> None:
    message = await request.receive()
    if message["type"] != "websocket.connect":
        return
    await request.send({"type": "websocket.accept", "subprotocol": protocol})
    request.started = True
    async with tasks.TaskGroup("connect", describe_errors=False) as group:
        outward = group.spawn("to-client", _to_client(request, upstream))
        inward = group.spawn("to-node", _to_node(request, upstream))
        done, _ = await asyncio.wait((outward, inward), return_when=asyncio.FIRST_COMPLETED)
        if inward in done:
            # The client left, which the node is told by now. What it still sends, nobody reads.
            await upstream.close()
    # Only now, with no one left in receive: Granian's close waits for whoever is.
    if outward in done and not outward.exception():
        await request.send({"type": "websocket.close", "code": outward.result()})


async def _to_client(request: Request, upstream: "aiohttp.ClientWebSocketResponse") -> int:
    """Passes on what the node sends; the code that it closed with."""
    from aiohttp import WSMsgType

    while True:
        message = await upstream.receive()
        if message.type is WSMsgType.BINARY:
            await request.send({"type": "websocket.send", "bytes": message.data})
        elif message.type is WSMsgType.TEXT:
            await request.send({"type": "websocket.send", "text": message.data})
        elif message.type is WSMsgType.CLOSE:
            # Not upstream.close_code: that is 1006 when the node did not wait for the answer to its frame.
            return int(message.data or _NORMAL)
        else:
            return _GOING_AWAY


async def _to_node(request: Request, upstream: "aiohttp.ClientWebSocketResponse") -> None:
    from aiohttp import ClientError

    while True:
        message = await request.receive()
        if message["type"] != "websocket.receive":
            return
        data, text = message.get("bytes"), message.get("text")
        try:
            if data is not None:
                await upstream.send_bytes(data)
            elif text is not None:
                await upstream.send_str(text)
        except (ConnectionError, ClientError):
            return
