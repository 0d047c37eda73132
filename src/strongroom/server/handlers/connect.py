"""`pods/exec`, `attach`, `portforward`: a WebSocket, passed on between the client and the Pod's node.

It goes frame by frame; each side is read only as fast as the other takes it, and frames are theirs alone.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from strongroom.aio import tasks
from strongroom.machinery import status
from strongroom.registry.catalog import Catalog
from strongroom.server import peer, routing
from strongroom.server.authorization.authorizer import Authorizer, Decision
from strongroom.server.filters import authorization
from strongroom.server.handlers import pod_target, port_forward
from strongroom.server.node_connection import Endpoint, NodeConnector, Query
from strongroom.server.request import Message, Request

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
_CHECK_SECONDS = 2.0


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
            probe = _probe(info.subresource, query, upstream.protocol or "")
            await _serve(request, upstream, upstream.protocol if named else None, probe)
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


def _probe(subresource: str, query: Query, protocol: str) -> Message | None:
    """A message that means nothing to the client: an empty one of a stream that it asked for."""
    if subresource == port_forward.SUBRESOURCE:
        return None
    asked = dict(query)
    channel = 1 if "output" in asked else 2 if "error" in asked else 3
    if "base64" in protocol:
        return {"type": "websocket.send", "text": str(channel)}
    return {"type": "websocket.send", "bytes": bytes([channel])}


async def _serve(
    request: Request,
    upstream: "aiohttp.ClientWebSocketResponse",
    protocol: str | None,
    probe: Message | None,
) -> None:
    message = await request.receive()
    if message["type"] != "websocket.connect":
        return
    await request.send({"type": "websocket.accept", "subprotocol": protocol})
    request.started = True
    async with tasks.TaskGroup("connect", describe_errors=False) as group:
        outward = group.spawn("to-client", _to_client(request, upstream))
        flow = _Flow()
        inward = group.spawn("to-node", _to_node(request, upstream, flow))
        gone = group.spawn("gone", _gone(request, flow, probe))
        done, _ = await asyncio.wait((outward, inward, gone), return_when=asyncio.FIRST_COMPLETED)
        if gone in done:
            # A closing frame would wait behind what the node does not take.
            _cut(upstream)
        if outward not in done:
            # The client left, which the node is told by now. What it still sends, nobody reads.
            await upstream.close()
    # Only now, with no one left in receive: Granian's close waits for whoever is.
    if outward in done and not outward.exception():
        await request.send({"type": "websocket.close", "code": outward.result()})


def _cut(upstream: "aiohttp.ClientWebSocketResponse") -> None:
    """End the connection at once: aiohttp itself offers only ends that wait for what was sent."""
    connection = upstream._response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()


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


class _Flow:
    """Whether the node takes what the client sends: `taken` counts messages, `waits` says that one waits."""

    def __init__(self) -> None:
        self.taken = 0
        self.waits = False


async def _gone(request: Request, flow: _Flow, probe: Message | None) -> None:
    """Returns when the client is found to be gone while the node takes nothing, so that nothing is read.

    Its end may be behind what it sent. Something sent to it makes its kernel say so."""
    seen = -1
    while True:
        await asyncio.sleep(_CHECK_SECONDS)
        stuck = flow.waits and flow.taken == seen
        seen = flow.taken
        local, remote = request.scope.get("server"), request.scope.get("client")
        if not stuck or not local or not remote:
            continue
        if not peer.is_connected(_address(local), _address(remote)):
            return
        if probe is not None:
            await request.send(probe)


def _address(pair: Sequence[Any]) -> peer.Address:
    """Granian writes the port of a WebSocket's scope as a string."""
    return str(pair[0]), int(pair[1])


async def _to_node(request: Request, upstream: "aiohttp.ClientWebSocketResponse", flow: _Flow) -> None:
    from aiohttp import ClientError

    while True:
        message = await request.receive()
        if message["type"] != "websocket.receive":
            return
        data, text = message.get("bytes"), message.get("text")
        flow.taken += 1
        flow.waits = True
        try:
            if data is not None:
                await upstream.send_bytes(data)
            elif text is not None:
                await upstream.send_str(text)
        except (ConnectionError, ClientError):
            return
        flow.waits = False
