"""What is asked, and what events tell of the answers."""

import asyncio
from collections.abc import Sequence

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.cri.errors import CRIError
from strongroom.node.exec_sync import ExecResult, ExecTimeoutError
from strongroom.node.probes import prober
from strongroom.node.probes.outcome import Kind
from strongroom.node.probes.prober import Prober, Target, port_of
from strongroom.testing import ports

EXEC: Object = {"exec": {"command": ["sh", "-c", 'test "$A"']}}
CONTAINER: Object = {"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}


class Commands:
    """Fulfils `ExecSync`: does what it is told to."""

    def __init__(self, result: "ExecResult | Exception") -> None:
        self.result = result
        self.ran: list[tuple[str, Sequence[str], float]] = []

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        self.ran.append((container_id, command, timeout))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class World:
    def __init__(self, result: "ExecResult | Exception" = ExecResult(0)) -> None:  # noqa: B008
        self.events: list[str] = []
        self.commands = Commands(result)
        self.prober = Prober(self.commands, self, lambda _: [b"hunter2"])

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        self.events.append(f"{type} {reason} {field_path}: {message}")

    async def probe(
        self,
        spec: Object,
        kind: Kind = Kind.LIVENESS,
        *,
        quiet: bool = False,
        container: Object = CONTAINER,
    ) -> bool | None:
        target = Target({"metadata": {"name": "p"}}, container, "id", "127.0.0.1")
        try:
            return await self.prober.probe(kind, spec, target, 2, quiet=quiet)
        finally:
            await self.prober.aclose()


async def test_a_command_that_succeeds_is_told_to_nobody() -> None:
    world = World(ExecResult(0, b"fine"))
    assert await world.probe(EXEC) is True
    assert world.events == []
    assert world.commands.ran == [("id", ["sh", "-c", 'test "$A"'], 2)]


async def test_what_a_command_printed_is_told_without_values() -> None:
    world = World(ExecResult(1, b"login as admin:hunter2 failed"))
    assert await world.probe(EXEC) is False
    assert world.events == [
        "Warning Unhealthy spec.containers{c}: Liveness probe failed: login as admin:******** failed"
    ]


def test_a_command_names_variables_that_stand_in_the_containers_env_and_no_others() -> None:
    reference = {"secretKeyRef": {"name": "s", "key": "k"}}
    variables = [{"name": "A", "value": "1 $(B)"}, {"name": "B", "valueFrom": reference}]
    words = prober.expand_static(["$(A)", "x$(B)y", "$(C)", "$$(A)"], {"name": "c", "env": variables})
    assert words == ["1 $(B)", "xy", "$(C)", "$(A)"]
    assert prober.expand_static(["$(A)"], {"name": "c"}) == ["$(A)"]


async def test_a_command_is_expanded_before_it_is_run() -> None:
    world = World()
    container = {**CONTAINER, "env": [{"name": "A", "value": "1"}]}
    spec = {"exec": {"command": ["test", "$(A)"]}}
    assert await world.probe(spec, container=container) is True
    assert world.commands.ran[0][1] == ["test", "1"]


async def test_a_command_that_takes_too_long() -> None:
    world = World(ExecTimeoutError())
    assert await world.probe(EXEC, Kind.READINESS) is False
    text = r'Readiness probe failed: command "sh -c test \"$A\"" timed out'
    assert world.events == [f"Warning Unhealthy spec.containers{{c}}: {text}"]


async def test_a_command_that_cannot_be_run_is_tried_three_times_and_decides_nothing() -> None:
    world = World(CRIError("Unknown", "no such file: hunter2"))
    assert await world.probe(EXEC, Kind.STARTUP) is None
    assert len(world.commands.ran) == 3
    text = "rpc error: code = Unknown desc = no such file: ********"
    assert world.events == [
        f"Warning Unhealthy spec.containers{{c}}: Startup probe errored and resulted in unknown state: {text}"
    ]


async def test_a_quiet_failure_makes_no_event() -> None:
    world = World(ExecResult(1))
    assert await world.probe(EXEC, quiet=True) is False
    assert world.events == []


async def test_http_tcp_and_grpc_go_to_the_pod() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    world = World()
    assert await world.probe({"httpGet": {"port": port}}, Kind.READINESS) is False
    assert await world.probe({"tcpSocket": {"port": port}}) is True
    assert world.events == [
        "Warning Unhealthy spec.containers{c}: Readiness probe failed: HTTP probe failed with statuscode: 503"
    ]
    closed = ports.free_port()
    assert await world.probe({"tcpSocket": {"port": closed, "host": "localhost"}}) is False
    assert world.events[-1].endswith(f"dial tcp localhost:{closed}: connect: connection refused")
    server.close()


def test_ports_by_number_and_by_name() -> None:
    assert port_of({"port": 5}, CONTAINER) == 5
    assert port_of({"port": "web"}, CONTAINER) == 8080
    assert port_of({"port": "81"}, CONTAINER) == 81


@pytest.mark.parametrize("port", ["other", 0, 70000])
async def test_a_port_that_is_none_decides_nothing(port: object) -> None:
    world = World()
    assert await world.probe({"tcpSocket": {"port": port}}) is None
    assert len(world.events) == 1
