import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from strongroom.server.node_connection import Endpoint
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

POD = "/api/v1/namespaces/default/pods/p"
EXEC = f"{POD}/exec"
FORWARD = f"{POD}/portforward"
TUNNEL = "SPDY/3.1+portforward.k8s.io"
PROTOCOLS = (
    TUNNEL,
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
)


class Node:
    """A node's endpoint that repeats what it gets, and closes with the code that it is told."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/exec/{tail:.*}", self._exec)
        application.router.add_get("/attach/{tail:.*}", self._exec)
        application.router.add_get("/portForward/{tail:.*}", self._exec)
        application.router.add_get("/containerLogs/{tail:.*}", self._log)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if "refuse" in request.query.getall("command", []):
            return web.Response(status=500, text='container not found ("c")')
        ws = web.WebSocketResponse(protocols=PROTOCOLS)
        await ws.prepare(request)
        async for message in ws:
            if message.type is WSMsgType.BINARY:
                if message.data == b"\x00bye":
                    await ws.close(code=1000)
                else:
                    await ws.send_bytes(message.data)
            else:
                await ws.send_str(message.data)
        return ws

    async def _log(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if request.query.get("previous"):
            return web.Response(status=400, text='previous terminated container "c" in pod "p" not found')
        response = web.StreamResponse()
        await response.prepare(request)
        for line in (b"one\n", b"two\n"):
            await response.write(line)
        return response


@pytest.fixture
async def node(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    monkeypatch.setattr(Endpoint, "url", lambda self, path: f"http://{self.host}:{self.port}{path}")
    running = Node()
    await running.start()
    yield running
    await running.close()


async def _pod(server: APIServer, port: int, node: str = "n1", **spec: Any) -> None:
    await server.request(
        "POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}}
    )
    status = {
        "addresses": [
            {"type": "Hostname", "address": "nowhere"},
            {"type": "InternalIP", "address": "127.0.0.1"},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    # Without TLS nobody looks at it; that it is looked at, test_node_connection shows.
    metadata = {"name": "n1", "annotations": {"strongroom.dev/serving-certificate-sha256": "0" * 64}}
    await server.request("POST", "/api/v1/nodes", {"metadata": metadata, "status": status})
    containers = [{"name": "c", "image": "i"}]
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": node, "containers": containers, **spec}}
    answer = await server.request("POST", "/api/v1/namespaces/default/pods", pod)
    assert answer.status == 201, answer.text


class Session:
    """A WebSocket client at the ASGI application."""

    def __init__(
        self,
        server: APIServer,
        query: str,
        path: str = EXEC,
        token: str = api_server.ADMIN,
        protocols: Sequence[str] = ("v5.channel.k8s.io", "v4.channel.k8s.io"),
    ) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"authorization", f"Bearer {token}".encode())],
            "subprotocols": list(protocols),
        }
        self._to_server.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.get_running_loop().create_task(self._run(server, scope))

    async def _run(self, server: APIServer, scope: dict[str, Any]) -> None:
        await server.app(scope, self._to_server.get, self._take)

    async def _take(self, message: Any) -> None:
        self.sent.put_nowait(message)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.sent.get(), 2)

    def send(self, data: bytes) -> None:
        self._to_server.put_nowait({"type": "websocket.receive", "bytes": data})

    async def leave(self) -> None:
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1005})
        await asyncio.wait_for(self.task, 2)


async def test_frames_go_both_ways_until_the_node_closes(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    session = Session(server, "command=echo&command=a+b&stdin=true&stdout=true&stderr=true")
    assert await session.next() == {"type": "websocket.accept", "subprotocol": "v5.channel.k8s.io"}
    for data in (b"\x00hello", b"\xff\x00", b"\x00" + b"x" * 100_000):
        session.send(data)
        assert await session.next() == {"type": "websocket.send", "bytes": data}
    session.send(b"\x00bye")
    assert await session.next() == {"type": "websocket.close", "code": 1000}
    await asyncio.wait_for(session.task, 2)
    (request,) = node.requests
    assert request.path == "/exec/default/p/c"
    assert request.headers["Authorization"].startswith("Bearer ey")
    assert list(request.query.items()) == [
        ("command", "echo"),
        ("command", "a b"),
        ("input", "1"),
        ("output", "1"),
        ("error", "1"),
    ]


async def test_terminal_has_no_stderr(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    session = Session(server, "command=sh&stdin=1&stdout=1&stderr=1&tty=true")
    await session.next()
    await session.leave()
    assert dict(node.requests[0].query) == {"command": "sh", "input": "1", "output": "1", "tty": "1"}


async def test_attach_needs_no_command(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    session = Session(server, "stdout=1", f"{POD}/attach")
    assert (await session.next())["type"] == "websocket.accept"
    await session.leave()
    assert node.requests[0].path == "/attach/default/p/c"


async def test_client_that_leaves_ends_the_nodes_side(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    session = Session(server, "command=sh&stdin=1")
    await session.next()
    await session.leave()


async def test_node_refuses_in_its_own_words(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    session = Session(server, "command=refuse&stdout=1")
    start, body = await session.next(), await session.next()
    assert start["type"] == "websocket.http.response.start"
    assert start["status"] == 500
    assert b'container not found (\\"c\\")' in body["body"]


async def test_node_that_is_not_there(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    await node.close()
    session = Session(server, "command=x&stdout=1")
    start, body = await session.next(), await session.next()
    assert start["status"] == 500
    assert b"error dialing backend: 127.0.0.1:" in body["body"]


async def test_reading_rights_are_not_enough(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    session = Session(server, "command=x&stdout=1", token="controllers")
    start, body = await session.next(), await session.next()
    assert start["status"] == 403
    assert b'cannot get resource \\"pods/exec\\"' in body["body"]
    assert node.requests == []


ATTACH = EXEC.removesuffix("exec") + "attach"


@pytest.mark.parametrize(
    ("path", "query", "protocols"),
    [
        (EXEC, "command=x&stdout=1", ["v5.channel.k8s.io"]),
        (ATTACH, "stdout=1", ["v5.channel.k8s.io"]),
        (FORWARD, "", [TUNNEL]),
    ],
)
async def test_a_websocket_into_a_pod_needs_create_as_well_as_get(
    server: APIServer, node: Node, path: str, query: str, protocols: list[str]
) -> None:
    """It begins with a GET, and does what a POST does."""
    await _pod(server, node.port)
    part = path.rpartition("/")[2]
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    subject = {"kind": "User", "name": "nobody", "apiGroup": "rbac.authorization.k8s.io"}
    body = {"metadata": {"name": "r"}, "roleRef": {"kind": "Role", "name": "r"}, "subjects": [subject]}
    assert (await server.request("POST", f"{rbac}/rolebindings", body)).status == 201

    async def first(*verbs: str) -> dict[str, Any]:
        rule = {"verbs": list(verbs), "apiGroups": [""], "resources": [f"pods/{part}"]}
        role = {"metadata": {"name": "r"}, "rules": [rule]}
        await server.request("DELETE", f"{rbac}/roles/r")
        assert (await server.request("POST", f"{rbac}/roles", role)).status == 201
        session = Session(server, query, path, token="nobody", protocols=protocols)
        start = await session.next()
        if start["type"] == "websocket.accept":
            await session.leave()
            return start
        return {**start, "text": (await session.next())["body"].decode()}

    for verbs, lacking in ((("get",), "create"), (("create",), "get"), (("get", "patch"), "create")):
        refused = await first(*verbs)
        assert refused["status"] == 403
        assert f'cannot {lacking} resource \\"pods/{part}\\"' in refused["text"]
        assert node.requests == []
    assert (await first("get", "create"))["type"] == "websocket.accept"


async def test_closing_the_server_ends_sessions(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    session = Session(server, "command=x&stdin=1")
    await session.next()
    await server.app.close()
    await asyncio.wait_for(session.task, 2)


TWO: dict[str, Any] = {
    "initContainers": [{"name": "i", "image": "i"}],
    "containers": [{"name": n, "image": "i"} for n in "ab"],
}


@pytest.mark.parametrize(
    ("spec", "query", "message"),
    [
        (TWO, "command=x&stdout=1", "a container name must be specified for pod p, choose one of: [i a b]"),
        (TWO, "command=x&stdout=1&container=z", "container z is not valid for pod p"),
        ({}, "stdout=1", "you must specify at least one command for the container"),
        ({}, "command=x", "you must specify at least 1 of stdin, stdout, stderr"),
        ({"nodeName": ""}, "command=x&stdout=1", "pod p does not have a host assigned"),
        ({}, "command=x&stdout=1&dryRun=All", "dryRun is not supported"),
        ({}, "command=x&stdout=1", "Upgrade request required"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_plain_requests_learn_what_is_wrong(
    server: APIServer, method: str, spec: dict[str, Any], query: str, message: str
) -> None:
    await _pod(server, 1, **spec)
    answer = await server.request(method, f"{EXEC}?{query}")
    assert answer.status == 400
    assert answer.json["message"] == message


SPDY = {"connection": "Upgrade", "upgrade": "SPDY/3.1"}


@pytest.mark.parametrize("path", [f"{EXEC}?command=x&stdout=1", FORWARD])
async def test_spdy_is_told_what_to_use(server: APIServer, node: Node, path: str) -> None:
    await _pod(server, node.port)
    answer = await server.request("POST", path, headers=SPDY)
    assert answer.status == 400
    assert "SPDY is not supported" in answer.json["message"]


async def test_spdy_after_a_websocket_that_the_node_refused_is_told_why(
    server: APIServer, node: Node
) -> None:
    await _pod(server, node.port)
    answer = await server.request("POST", f"{EXEC}?command=refuse&stdout=1", headers=SPDY)
    assert (answer.status, answer.json["message"]) == (
        500,
        'Internal error occurred: container not found ("c")',
    )


@pytest.mark.parametrize("protocol", ["v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io"])
async def test_older_protocols(server: APIServer, node: Node, protocol: str) -> None:
    await _pod(server, node.port)
    session = Session(server, "command=x&stdin=1", protocols=[protocol])
    assert await session.next() == {"type": "websocket.accept", "subprotocol": protocol}
    await session.leave()


async def test_who_names_no_protocol_gets_the_first_one(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    session = Session(server, "command=x&stdin=1", protocols=[])
    assert await session.next() == {"type": "websocket.accept", "subprotocol": None}
    (request,) = node.requests
    assert request.headers["Sec-WebSocket-Protocol"] == "channel.k8s.io"
    await session.leave()


async def test_who_names_no_protocol_forwards_by_two_channels_a_port(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    session = Session(server, "ports=80", FORWARD, protocols=[])
    assert await session.next() == {"type": "websocket.accept", "subprotocol": None}
    (request,) = node.requests
    assert request.headers["Sec-WebSocket-Protocol"] == "v4.channel.k8s.io"
    await session.leave()


async def test_ports_are_forwarded_to_the_pod_of_two_containers(server: APIServer, node: Node) -> None:
    await _pod(server, node.port, **TWO)
    session = Session(server, "ports=80&ports=81,82", FORWARD, protocols=[TUNNEL])
    assert await session.next() == {"type": "websocket.accept", "subprotocol": TUNNEL}
    session.send(b"\x80\x03\x00\x01 a frame of SPDY")
    assert await session.next() == {"type": "websocket.send", "bytes": b"\x80\x03\x00\x01 a frame of SPDY"}
    await session.leave()
    (request,) = node.requests
    assert request.path == "/portForward/default/p"
    assert request.query.getall("port") == ["80", "81", "82"]


@pytest.mark.parametrize(
    ("query", "protocol", "message"),
    [
        ("", "v4.channel.k8s.io", 'query parameter \\"port\\" is required'),
        ("ports=0", TUNNEL, "invalid port '0': must be a number between 1 and 65535"),
        ("ports=http", TUNNEL, "invalid port 'http'"),
        ("ports=80", "v5.channel.k8s.io", "none of the offered subprotocols is supported"),
    ],
)
async def test_ports_that_are_not_forwarded(
    server: APIServer, node: Node, query: str, protocol: str, message: str
) -> None:
    await _pod(server, node.port)
    session = Session(server, query, FORWARD, protocols=[protocol])
    start, body = await session.next(), await session.next()
    assert start["status"] == 400
    assert message.encode() in body["body"]
    assert node.requests == []


async def test_forwarding_takes_the_right_to_create(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    session = Session(server, "", FORWARD, token="nobody", protocols=[TUNNEL])
    assert (await session.next())["status"] == 403
    assert node.requests == []


async def test_missing_pod(server: APIServer) -> None:
    assert (await server.get(f"{EXEC}?command=x&stdout=1")).status == 404


async def test_node_without_an_address(server: APIServer) -> None:
    await server.request("POST", "/api/v1/nodes", {"metadata": {"name": "n2"}})
    await _pod(server, 1, "n2")
    answer = await server.get(f"{EXEC}?command=x&stdout=1")
    assert answer.status == 500
    assert "no preferred addresses found for node n2" in answer.json["message"]


async def test_log_is_passed_on(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    answer = await server.get(f"{POD}/log?follow=true&tailLines=5&timestamps=1&limitBytes=9&sinceSeconds=3")
    assert answer.status == 200
    assert answer.text == "one\ntwo\n"
    assert answer.headers["content-type"].startswith("text/plain")
    assert dict(node.requests[0].query) == {
        "follow": "true",
        "timestamps": "true",
        "sinceSeconds": "3",
        "tailLines": "5",
        "limitBytes": "9",
    }


async def test_log_of_a_pod_without_a_node_is_empty(server: APIServer) -> None:
    await _pod(server, 1, "")
    answer = await server.get(f"{POD}/log")
    assert (answer.status, answer.text) == (204, "")


async def test_log_that_the_node_refuses(server: APIServer, node: Node) -> None:
    await _pod(server, node.port)
    answer = await server.get(f"{POD}/log?previous=true")
    assert answer.status == 400
    assert answer.json["message"] == 'previous terminated container "c" in pod "p" not found'


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sinceSeconds=0", "sinceSeconds"),
        ("tailLines=-1", "tailLines"),
        ("limitBytes=0", "limitBytes"),
        ("stream=x", "stream"),
        ("sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", "[]"),
        ("stream=Stdout&tailLines=1", "[]"),
    ],
)
async def test_log_options(server: APIServer, query: str, field: str) -> None:
    await _pod(server, 1)
    answer = await server.get(f"{POD}/log?{query}")
    assert answer.status == 422
    assert (answer.json["details"]["kind"], answer.json["details"]["name"]) == ("PodLogOptions", "p")
    assert answer.json["details"]["causes"][0].get("field") == field


@pytest.mark.parametrize("query", ["sinceTime=yesterday", "tailLines=x"])
async def test_log_options_that_can_not_be_read(server: APIServer, query: str) -> None:
    await _pod(server, 1)
    assert (await server.get(f"{POD}/log?{query}")).status == 400
