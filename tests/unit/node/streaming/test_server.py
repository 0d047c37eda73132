"""The node's endpoint without a runtime: who may come in, and what is answered where there is nothing."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from strongroom.aio.clock import SystemClock
from strongroom.aio.tasks import TaskGroup
from strongroom.cmd import pki
from strongroom.node.containerd import client as clients
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri import errors
from strongroom.node.settings import NodeSettings
from strongroom.node.streaming import port_forward
from strongroom.node.streaming.server import REQUEST_SECONDS, StreamingServer
from strongroom.testing.node_endpoint import NodeEndpoint

RUNNING = pb.ContainerState.CONTAINER_RUNNING
EXITED = pb.ContainerState.CONTAINER_EXITED


class Runtime:
    """A runtime whose containers are a list."""

    def __init__(self) -> None:
        self.containers: list[pb.ContainerStatus] = []
        self.sandboxes: list[pb.PodSandbox] = []
        self.streaming = ""
        self.forwarded: list[tuple[str, list[int]]] = []

    async def list_containers(self, labels: Mapping[str, str]) -> Sequence[pb.Container]:
        return [
            pb.Container(id=one.id, state=one.state, created_at=one.created_at)
            for one in self.containers
            if labels["io.kubernetes.container.name"] == one.metadata.name
        ]

    async def container_status(self, container_id: str) -> pb.ContainerStatus:
        for one in self.containers:
            if one.id == container_id:
                return one
        raise errors.NotFoundError("no such container")

    async def attach(self, container_id: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool) -> str:
        raise errors.CRIError("Unknown", "cannot attach")

    async def list_pod_sandboxes(self, labels: Mapping[str, str]) -> Sequence[pb.PodSandbox]:
        return self.sandboxes if labels["io.kubernetes.pod.name"] == "p" else []

    async def port_forward(self, sandbox_id: str, ports: Sequence[int]) -> str:
        self.forwarded.append((sandbox_id, list(ports)))
        return self.streaming


async def _knows(token: str) -> bool:
    return token == "token"


class Containerd:
    async def wait(self, container_id: str, exec_id: str) -> int:
        return 0


class Fixture:
    def __init__(self, server: StreamingServer, endpoint: NodeEndpoint, runtime: Runtime) -> None:
        self.server, self.endpoint, self.runtime = server, endpoint, runtime
        self.pods: dict[str, Mapping[str, Any]] = {}
        self.trust: ssl.SSLContext | None = None

    async def connect(self, *, tls: bool = True) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        trust = self.trust if tls else None
        return await asyncio.open_connection("127.0.0.1", self.server.port, ssl=trust)

    async def logs(self, **query: str) -> tuple[int, str]:
        code, body = await self.endpoint.get("containerLogs/default/p/c", **query)
        return code, body.decode()


@pytest.fixture
async def node(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Fixture]:
    """Its parameter: the seconds that it gives to a request."""
    authority = pki.Authority.open_or_create(tmp_path / "pki", SystemClock().now())
    pair = authority.serving("node", ["127.0.0.1"], SystemClock().now())
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(pair.certificate, pair.key)
    runtime = Runtime()
    pods: dict[str, Mapping[str, Any]] = {}
    server = StreamingServer(
        NodeSettings("n1", tmp_path / "data", tmp_path / "run"),
        runtime,
        cast(clients.ContainerdClient, Containerd()),
        lambda namespace, name: pods.get(name),
        address="127.0.0.1",
        authenticate=_knows,
        ssl_context=own,
        clock=SystemClock(),
        request_seconds=getattr(request, "param", REQUEST_SECONDS),
    )
    await server.start()
    trust = ssl.create_default_context(cadata=authority.pem.decode())
    async with NodeEndpoint(f"https://127.0.0.1:{server.port}", "token", trust) as endpoint:
        fixture = Fixture(server, endpoint, runtime)
        fixture.pods, fixture.trust = pods, trust
        yield fixture
    await server.close()


def container(tmp_path: Path, number: int, state: "pb.ContainerState", text: str) -> pb.ContainerStatus:
    log = tmp_path / f"{number}.log"
    log.write_text(f"2026-01-02T03:04:05.000000001Z stdout F {text}\n")
    return pb.ContainerStatus(
        id=f"id{number}",
        metadata=pb.ContainerMetadata(name="c"),
        state=state,
        created_at=number,
        log_path=str(log),
    )


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic token", "token"])
@pytest.mark.parametrize("path", ["healthz", "exec/default/p/c", "containerLogs/default/p/c", "nothing"])
async def test_without_the_token_nothing_is_told(node: Fixture, header: str, path: str) -> None:
    url = f"{node.endpoint.base}/{path}"
    async with node.endpoint.session.get(url, headers={"Authorization": header}) as response:
        assert (response.status, await response.text()) == (401, "Unauthorized")


async def test_health(node: Fixture) -> None:
    assert await node.endpoint.get("healthz") == (200, b"ok")


async def test_unknown_path(node: Fixture) -> None:
    assert (await node.endpoint.get("stats"))[0] == 404


@pytest.mark.parametrize(
    ("path", "query", "code", "text"),
    [
        ("exec", {"output": "1"}, 400, "you must specify at least one command"),
        ("exec", {"command": "a"}, 400, "you must specify at least 1 of stdin, stdout, stderr"),
        ("exec", {"command": "a", "error": "1", "tty": "1"}, 400, "you must specify at least 1 of"),
        ("exec", {"command": "a", "output": "1"}, 500, 'container not found ("c")'),
        ("attach", {"output": "1"}, 500, 'container not found ("c")'),
    ],
)
async def test_refusals(node: Fixture, path: str, query: dict[str, str], code: int, text: str) -> None:
    found, body = await node.endpoint.get(f"{path}/default/p/c", **query)
    assert found == code
    assert body.decode().startswith(text)


async def test_exec_of_an_ended_container(node: Fixture, tmp_path: Path) -> None:
    node.runtime.containers = [container(tmp_path, 1, EXITED, "x")]
    assert await node.endpoint.get("exec/default/p/c", command="a", output="1") == (
        500,
        b'container not found ("c")',
    )


async def test_exec_needs_a_websocket(node: Fixture, tmp_path: Path) -> None:
    node.runtime.containers = [container(tmp_path, 1, RUNNING, "x")]
    code, body = await node.endpoint.get("exec/default/p/c", command="a", output="1")
    assert (code, body) == (400, b"unable to upgrade: only WebSocket is served")


async def test_an_attach_that_the_runtime_refuses_ends_with_a_status(node: Fixture, tmp_path: Path) -> None:
    node.runtime.containers = [container(tmp_path, 1, RUNNING, "x")]
    result = await node.endpoint.exec("p/c", verb="attach")
    assert result.status["reason"] == "InternalError"
    assert result.status["details"]["causes"] == [{"message": "error attaching to container: cannot attach"}]
    assert result.close_code == 1000


async def test_log_of_the_newest_container(node: Fixture, tmp_path: Path) -> None:
    node.runtime.containers = [
        container(tmp_path, 1, EXITED, "first"),
        container(tmp_path, 2, RUNNING, "second"),
    ]
    assert await node.logs() == (200, "second\n")
    assert await node.logs(previous="true") == (200, "first\n")


async def test_log_of_the_container_that_the_pods_status_names(node: Fixture, tmp_path: Path) -> None:
    node.runtime.containers = [
        container(tmp_path, 1, EXITED, "first"),
        container(tmp_path, 2, RUNNING, "second"),
    ]
    ended = {"terminated": {"containerID": "containerd://id1"}}
    status = {"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended}
    node.pods["p"] = {"metadata": {"name": "p"}, "status": {"containerStatuses": [status]}}
    assert await node.logs() == (200, "first\n")


async def test_waiting_container_has_no_log(node: Fixture) -> None:
    status = {"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}}
    node.pods["p"] = {"metadata": {"name": "p"}, "status": {"containerStatuses": [status]}}
    assert await node.logs() == (400, 'container "c" in pod "p" is waiting to start: ContainerCreating')


async def test_no_previous_container(node: Fixture, tmp_path: Path) -> None:
    node.runtime.containers = [container(tmp_path, 1, RUNNING, "x")]
    assert await node.logs(previous="true") == (
        400,
        'previous terminated container "c" in pod "p" not found',
    )


async def test_a_removed_log(node: Fixture, tmp_path: Path) -> None:
    node.runtime.containers = [container(tmp_path, 1, EXITED, "x")]
    (tmp_path / "1.log").unlink()
    assert (await node.logs())[0] == 404


async def test_wrong_option(node: Fixture) -> None:
    code, text = await node.logs(tailLines="many")
    assert (code, text) == (400, "invalid tailLines: must be a whole number of at least 0")


async def test_following_the_log_of_an_ended_container_ends(node: Fixture, tmp_path: Path) -> None:
    node.runtime.containers = [container(tmp_path, 1, EXITED, "all")]
    assert await node.logs(follow="true") == (200, "all\n")


async def test_closing_ends_what_is_followed(node: Fixture, tmp_path: Path) -> None:
    node.runtime.containers = [container(tmp_path, 1, RUNNING, "x")]
    url = f"{node.endpoint.base}/containerLogs/default/p/c"
    async with node.endpoint.session.get(url, params={"follow": "true"}) as response:
        assert await response.content.readline() == b"x\n"
        await node.server.close()
        rest = b""
        try:
            rest = await response.content.read()
        except OSError:
            pass
        except Exception as error:
            assert type(error).__name__ == "ClientPayloadError"
        assert rest == b""


REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\n\r\n"


@pytest.mark.parametrize("node", [0.5], indirect=True)
@pytest.mark.parametrize(
    ("tls", "sent", "answers"),
    [
        (False, b"", 0),
        (False, b"\x16\x03\x01\x02\0\1", 0),
        (True, b"", 0),
        (True, REQUEST[:60], 0),
        (True, REQUEST, 1),
        (True, REQUEST + REQUEST[:60], 1),
    ],
    ids=[
        "no handshake",
        "half a handshake",
        "nothing",
        "half a head",
        "rest",
        "half a head behind a request",
    ],
)
async def test_a_connection_without_a_request_is_cut_off(
    node: Fixture, *, tls: bool, sent: bytes, answers: int
) -> None:
    reader, writer = await node.connect(tls=tls)
    began = asyncio.get_running_loop().time()
    try:
        writer.write(sent)
        async with asyncio.timeout(20):
            with suppress(ConnectionError):
                assert (await reader.read()).count(b"HTTP/1.1 200 OK") == answers
    finally:
        writer.close()
    assert asyncio.get_running_loop().time() - began > 0.4


@pytest.mark.parametrize("node", [0.5], indirect=True)
async def test_a_head_that_comes_drop_by_drop_is_cut_off(node: Fixture) -> None:
    reader, writer = await node.connect()
    writer.write(REQUEST[:-2])

    async def drip() -> None:
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(0.05)

    async with TaskGroup("client") as group, asyncio.timeout(20):
        group.spawn("drip", drip())
        with suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("node", [0.3], indirect=True)
async def test_a_stream_lasts_as_long_as_it_likes(
    node: Fixture, streaming: "Streaming", tmp_path: Path
) -> None:
    """A log that is followed and says nothing; a tunnel that is quiet."""
    node.runtime.containers = [container(tmp_path, 1, RUNNING, "x")]
    url = f"{node.endpoint.base}/containerLogs/default/p/c"
    async with (
        node.endpoint.session.get(url, params={"follow": "true"}) as response,
        node.endpoint.connect(FORWARD, protocol=port_forward.TUNNEL) as tunnel,
    ):
        assert await response.content.readline() == b"x\n"
        await asyncio.sleep(1.5)
        with (tmp_path / "1.log").open("a") as log:
            log.write("2026-01-02T03:04:06.000000001Z stdout F later\n")
        async with asyncio.timeout(10):
            assert await response.content.readline() == b"later\n"
            await tunnel.send_bytes(b"still there")
            assert await tunnel.receive_bytes() == b"still there"


class Streaming:
    """The runtime's streaming server: answers with `answer`, then repeats what it gets till `bye`."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\n\r\n"
        self.heads: list[bytes] = []
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        while (data := await reader.read(65536)) and not data.endswith(b"bye"):
            writer.write(data)
            await writer.drain()
        writer.close()
        self.ended.set()


@pytest.fixture
async def streaming(node: Fixture) -> AsyncIterator[Streaming]:
    made = Streaming()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    node.runtime.streaming = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/portforward/once"
    states = pb.PodSandboxState.SANDBOX_NOTREADY, pb.PodSandboxState.SANDBOX_READY
    node.runtime.sandboxes = [
        pb.PodSandbox(id=f"s{number}", state=state, created_at=number)
        for number, state in enumerate((*states, *states))
    ]
    async with server:
        yield made


FORWARD = "portForward/default/p"


async def test_a_tunnel_to_the_newest_sandbox(node: Fixture, streaming: Streaming) -> None:
    async with node.endpoint.connect(FORWARD, protocol=port_forward.TUNNEL) as websocket:
        assert websocket.protocol == port_forward.TUNNEL
        sent = bytes(range(256)) * 2048
        for start in range(0, len(sent), 65536):
            await websocket.send_bytes(sent[start : start + 65536])
        got = b""
        while len(got) < len(sent):
            got += await websocket.receive_bytes(timeout=5)
        assert got == sent
        await websocket.send_bytes(b"bye")
        assert (await websocket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
    assert node.runtime.forwarded == [("s3", [])]
    (head,) = streaming.heads
    assert head.startswith(b"POST /portforward/once HTTP/1.1\r\n")
    for line in (
        b"Connection: Upgrade",
        b"Upgrade: SPDY/3.1",
        b"X-Stream-Protocol-Version: portforward.k8s.io",
    ):
        assert b"\r\n" + line + b"\r\n" in head


async def test_client_that_leaves_ends_the_runtimes_side(node: Fixture, streaming: Streaming) -> None:
    async with node.endpoint.connect(FORWARD, protocol=port_forward.TUNNEL) as websocket:
        await websocket.send_bytes(b"x")
        await websocket.receive_bytes(timeout=5)
    await asyncio.wait_for(streaming.ended.wait(), 5)


async def test_channels_are_the_runtimes_own(node: Fixture, streaming: Streaming) -> None:
    async def repeat(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await websocket.prepare(request)
        async for message in websocket:
            await websocket.send_bytes(message.data)
        return websocket

    runner = web.ServerRunner(web.Server(cast(Any, repeat)))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    node.runtime.streaming = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with node.endpoint.connect(FORWARD, protocol="v4.channel.k8s.io", port=["80", "81"]) as websocket:
        await websocket.send_bytes(b"\x00data")
        assert await websocket.receive_bytes(timeout=5) == b"\x00data"
    await runner.cleanup()
    assert node.runtime.forwarded == [("s3", [80, 81])]


@pytest.mark.parametrize("protocol", port_forward.PROTOCOLS)
async def test_a_runtime_that_does_not_forward(node: Fixture, streaming: Streaming, protocol: str) -> None:
    streaming.answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    for url in (node.runtime.streaming, "http://127.0.0.1:1/"):
        node.runtime.streaming = url
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with node.endpoint.connect(FORWARD, protocol=protocol, port="80"):
                pass
        assert refused.value.status == 500


async def test_forwarding_to_a_pod_that_has_no_sandbox(node: Fixture) -> None:
    assert await node.endpoint.get(FORWARD) == (404, b'pod not found ("p_default")')


async def test_forwarding_needs_a_protocol_of_its_own(node: Fixture, streaming: Streaming) -> None:
    assert (await node.endpoint.get(FORWARD))[0] == 400
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with node.endpoint.connect(FORWARD, protocol="v5.channel.k8s.io"):
            pass
    assert refused.value.status == 403
    assert node.runtime.forwarded == []
