"""exec, attach and logs on a real containerd, asked for as the API server asks."""

import asyncio
import hashlib
import os
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from strongroom.cmd import pki
from strongroom.node.containerd import tools
from strongroom.node.streaming import channels
from strongroom.node.streaming.server import StreamingServer
from strongroom.testing import node_endpoint
from strongroom.testing.own_containerd import OwnContainerd

pytestmark = [
    pytest.mark.containerd,
    pytest.mark.slow,
    pytest.mark.skipif(bool(tools.requirements()), reason=tools.requirements()),
    pytest.mark.asyncio(loop_scope="module"),
]
LARGE = 100_000_000
CHATTER = "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.2; done"


class Node(node_endpoint.NodeEndpoint):
    """The endpoint under test, with a pod `p` of containers `c`, `talk`, `once` and `terminal`."""

    own: OwnContainerd
    server: StreamingServer
    ids: dict[str, str]

    def processes(self, *command: str) -> list[int]:
        """Processes on this machine with exactly this command line."""
        wanted = "\0".join((*command, "")).encode()
        found = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if file.read_bytes() == wanted:
                    found.append(int(file.parent.name))
            except OSError:
                continue
        return found

    async def until_gone(self, *command: str) -> None:
        await until(lambda: not self.processes(*command))

    async def until_there(self, *command: str) -> None:
        await until(lambda: bool(self.processes(*command)))

    async def until_clean(self, descriptors: int) -> None:
        """Wait until no FIFO and no descriptor is left of what was before."""
        streams = self.own.settings.streams_dir
        await until(lambda: not list(streams.iterdir()) and open_descriptors() <= descriptors)


async def _knows(token: str) -> bool:
    return token == "token"


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    directory = tmp_path_factory.mktemp("node")
    async with OwnContainerd(directory / "n") as own:
        now = own.clock.now()
        authority = pki.Authority.open_or_create(directory / "pki", now)
        pair = authority.serving("node", ["127.0.0.1"], now)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        server = StreamingServer(
            own.settings,
            own.cri,
            own.client,
            lambda namespace, name: None,
            address="127.0.0.1",
            authenticate=_knows,
            ssl_context=context,
            clock=own.clock,
        )
        await server.start()
        trust = ssl.create_default_context(cadata=authority.pem.decode())
        async with Node(f"https://127.0.0.1:{server.port}", "token", trust) as endpoint:
            endpoint.own, endpoint.server = own, server
            endpoint.ids = await own.pod(
                "p",
                {
                    "c": {"command": ["sleep", "3600"], "envs": [{"key": "GREETING", "value": b"hello"}]},
                    "talk": {"command": ["sh", "-c", CHATTER]},
                    "once": {"command": ["sh", "-c", "cat; echo end >&2"], "stdin": True, "stdin_once": True},
                    "terminal": {"command": ["sh"], "stdin": True, "tty": True},
                },
            )
            yield endpoint
        await server.close()


async def test_output_errors_and_exit_code(node: Node) -> None:
    result = await node.exec("p/c", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (result.stdout, result.stderr, result.exit_code) == (b"out\n", b"err\n", 7)
    assert result.announced == [channels.STDOUT, channels.STDERR]
    assert result.close_code == aiohttp.WSCloseCode.OK


async def test_success(node: Node) -> None:
    assert (await node.exec("p/c", "true")).status == {"metadata": {}, "status": "Success"}


async def test_a_command_that_is_not_there(node: Node) -> None:
    status = (await node.exec("p/c", "no-such-command")).status
    assert status["reason"] == "InternalError"
    assert status["message"].startswith("Internal error occurred: error executing command in container: ")
    assert "executable file not found in $PATH" in status["message"]


async def test_the_environment_is_the_containers(node: Node) -> None:
    assert b"GREETING=hello\n" in (await node.exec("p/c", "env")).stdout


@pytest.mark.parametrize(("output", "error"), [("1", "0"), ("0", "1")])
async def test_only_the_streams_asked_for(node: Node, output: str, error: str) -> None:
    result = await node.exec("p/c", "sh", "-c", "echo out; echo err >&2", output=output, error=error)
    assert (result.stdout, result.stderr) == ((b"out\n", b"") if output == "1" else (b"", b"err\n"))
    assert result.exit_code == 0


async def test_input_ends_when_the_client_says_so(node: Node) -> None:
    result = await node.exec("p/c", "sh", "-c", "cat; echo done", stdin=b"hello ")
    assert (result.stdout, result.exit_code) == (b"hello done\n", 0)


async def test_empty_input(node: Node) -> None:
    assert (await node.exec("p/c", "sh", "-c", "cat; echo done", stdin=b"")).stdout == b"done\n"


async def test_input_that_the_command_does_not_read(node: Node) -> None:
    result = await node.exec("p/c", "head", "-c", "5", stdin=b"x" * 3_000_000)
    assert (result.stdout, result.exit_code) == (b"xxxxx", 0)


async def test_a_child_that_keeps_the_output_open_does_not_hold_the_client(node: Node) -> None:
    async with asyncio.timeout(5):
        result = await node.exec("p/c", "sh", "-c", "sleep 47 & echo started")
    assert (result.stdout, result.exit_code) == (b"started\n", 0)


async def test_a_terminal_has_its_size_from_the_start_and_follows_changes(node: Node) -> None:
    query: dict[str, Any] = {
        "command": ["sh", "-c", "stty size; read x; stty size; tty"],
        "input": "1",
        "output": "1",
    }
    async with node.connect("exec/default/p/c", **query, tty="1") as websocket:
        await websocket.send_bytes(channels.encode(channels.RESIZE, b'{"Width":100,"Height":33}'))
        seen = b""
        while b"33 100\r\n" not in seen:
            seen += (await websocket.receive_bytes())[1:]
        await websocket.send_bytes(channels.encode(channels.RESIZE, b'{"Width":120,"Height":44}'))
        await websocket.send_bytes(channels.encode(channels.STDIN, b"\n"))
        result = await node_endpoint.read(websocket)
    assert b"44 120\r\n/dev/pts/" in result.stdout
    assert result.exit_code == 0


async def test_v4_works_too(node: Node) -> None:
    result = await node.exec("p/c", "sh", "-c", "echo out; exit 2", protocol=channels.V4)
    assert (result.stdout, result.exit_code) == (b"out\n", 2)


async def test_unknown_protocol_is_refused(node: Node) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await node.exec("p/c", "true", protocol="v9.channel.k8s.io")
    assert caught.value.status == 403


@pytest.mark.parametrize("protocol", [channels.V4_BASE64, channels.V1_BASE64, channels.V1])
async def test_older_protocols(node: Node, protocol: str) -> None:
    query: dict[str, Any] = {"command": ["sh", "-c", "cat; exit 3"], "input": "1", "output": "1"}
    async with node.connect("exec/default/p/c", protocol=protocol, **query) as websocket:
        if channels.is_text(protocol):
            await websocket.send_str(channels.encode_text(channels.STDIN, b"some input\n"))
        else:
            await websocket.send_bytes(channels.encode(channels.STDIN, b"some input\n"))
        got = b""
        while b"some input\n" not in got:
            message = await websocket.receive(timeout=10)
            data = message.data if isinstance(message.data, bytes) else message.data.encode()
            decoded = channels.decode(data, protocol)
            assert isinstance(decoded, channels.Data)
            got += decoded.data if decoded.channel == channels.STDOUT else b""


async def test_a_large_output_is_unharmed(node: Node) -> None:
    result = await node.exec("p/c", "sh", "-c", f"yes 0123456789 | head -c {LARGE}")
    assert len(result.stdout) == LARGE
    line = b"0123456789\n"
    assert result.stdout == (line * (LARGE // len(line) + 1))[:LARGE]
    assert result.exit_code == 0


async def test_a_large_input_is_unharmed(node: Node) -> None:
    data = os.urandom(1 << 20) * (LARGE >> 20)
    result = await node.exec("p/c", "sha256sum", stdin=data)
    assert result.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()


async def test_both_ways_at_once(node: Node) -> None:
    data = os.urandom(1 << 20) * 16
    assert (await node.exec("p/c", "cat", stdin=data)).stdout == data


async def test_fifty_at_once_and_nothing_is_left(node: Node) -> None:
    before = open_descriptors()

    async def one(number: int) -> None:
        result = await node.exec("p/c", "sh", "-c", f"cat; echo {number}; exit {number % 3}", stdin=b"in ")
        assert (result.stdout, result.exit_code) == (b"in %d\n" % number, number % 3)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(one(number))
    await node.until_clean(before)


async def test_a_slow_client_misses_nothing(node: Node) -> None:
    query: dict[str, Any] = {"command": ["sh", "-c", "yes | head -c 8000000"], "output": "1"}
    async with node.connect("exec/default/p/c", **query) as websocket:
        await websocket.receive_bytes()
        # The process has ended long before its output is taken.
        await asyncio.sleep(3)
        result = await node_endpoint.read(websocket)
    assert (len(result.stdout), result.exit_code) == (8_000_000, 0)


@pytest.mark.parametrize("tty", ["0", "1"])
async def test_a_client_that_leaves_ends_the_command(node: Node, tty: str) -> None:
    before = open_descriptors()
    command = ["sleep", f"98{tty}"]
    async with node.connect("exec/default/p/c", command=command, output="1", input="1", tty=tty) as websocket:
        await node.until_there(*command)
        await websocket.close()
    await node.until_gone(*command)
    await node.until_clean(before)


async def test_a_client_that_vanishes_while_its_input_is_stuck_ends_the_command(node: Node) -> None:
    before = open_descriptors()
    command = ["sleep", "983"]

    async def flood(websocket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await websocket.send_bytes(channels.encode(channels.STDIN, b"x" * 32768))

    async with node.connect("exec/default/p/c", command=command, output="1", input="1") as websocket:
        await node.until_there(*command)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await flood(websocket)
        transport = websocket.get_extra_info("socket")
        assert transport is not None
        assert websocket._response.connection is not None
        assert websocket._response.connection.transport is not None
        websocket._response.connection.transport.abort()
    await node.until_gone(*command)
    await node.until_clean(before)


async def test_containerd_may_restart_while_a_command_runs(node: Node) -> None:
    query: dict[str, Any] = {"command": ["sh", "-c", "echo begun; sleep 2; exit 5"], "output": "1"}
    async with node.connect("exec/default/p/c", **query) as websocket:
        while await websocket.receive_bytes() != b"\x01begun\n":
            pass
        await node.own.daemon.stop()
        await node.own.daemon.start()
        result = await node_endpoint.read(websocket)
    assert result.exit_code == 5


async def test_an_exec_leaves_nothing_in_the_common_directory_for_temporary_files(node: Node) -> None:
    """runc gets its process, environment included, in a file: it must not lie on a disk."""
    shim_environments = [
        file.read_bytes()
        for file in Path("/proc").glob("[0-9]*/environ")
        if str(node.own.settings.containerd_socket).encode() in (file.parent / "cmdline").read_bytes()
    ]
    wanted = f"XDG_RUNTIME_DIR={node.own.settings.containerd_run_dir}\0".encode()
    assert shim_environments and all(wanted in environment for environment in shim_environments)


async def test_attach_gives_input_with_its_end(node: Node) -> None:
    result = await node.exec("p/once", verb="attach", stdin=b"some input\n")
    assert (result.stdout, result.stderr) == (b"some input\n", b"end\n")
    assert result.status == {"metadata": {}, "status": "Success"}


async def test_attach_to_a_terminal(node: Node) -> None:
    async with node.connect("attach/default/p/terminal", input="1", output="1", tty="1") as websocket:
        await websocket.send_bytes(channels.encode(channels.RESIZE, b'{"Width":90,"Height":20}'))
        await websocket.send_bytes(channels.encode(channels.STDIN, b"stty size; echo $((6*7))\n"))
        seen = b""
        async with asyncio.timeout(10):
            while b"42\r\n" not in seen:
                seen += (await websocket.receive_bytes())[1:]
    assert b"20 90\r\n" in seen


async def test_logs(node: Node) -> None:
    code, body = await node.get("containerLogs/default/p/talk", limitBytes="14")
    assert (code, body) == (200, b"line 0\nline 1\n"[:14])


async def test_logs_are_followed_as_they_are_written(node: Node) -> None:
    url = f"{node.base}/containerLogs/default/p/talk"
    query = {"follow": "true", "tailLines": "0"}
    async with asyncio.timeout(10), node.session.get(url, params=query) as response:
        first = int((await response.content.readline()).split()[1])
        for number in range(first + 1, first + 4):
            assert await response.content.readline() == b"line %d\n" % number


async def test_following_ends_with_the_container(node: Node) -> None:
    await node.own.pod("short", {"c": {"command": ["sh", "-c", "echo one; sleep 1; echo two"]}})
    async with asyncio.timeout(10):
        code, body = await node.get("containerLogs/default/short/c", follow="true")
    assert (code, body) == (200, b"one\ntwo\n")
