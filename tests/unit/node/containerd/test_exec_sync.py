"""Commands run in containers of a real containerd: their ends, and the end of those that have none."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from strongroom.node.containerd import tools
from strongroom.node.containerd.exec_sync import ContainerdExecSync
from strongroom.node.cri.errors import CRIError, NotFoundError
from strongroom.node.exec_sync import OUTPUT_LIMIT, ExecResult, ExecTimeoutError
from strongroom.testing.own_containerd import OwnContainerd

pytestmark = [
    pytest.mark.containerd,
    pytest.mark.slow,
    pytest.mark.skipif(bool(tools.requirements()), reason=tools.requirements()),
    pytest.mark.asyncio(loop_scope="module"),
]


class Node:
    def __init__(self, own: OwnContainerd, container_id: str) -> None:
        self.own = own
        self.container_id = container_id
        self.runner = self.another()

    def another(self) -> ContainerdExecSync:
        return ContainerdExecSync(self.own.client, self.own.settings.streams_dir)

    async def run(self, script: str, timeout: float = 20) -> ExecResult:
        return await self.runner.exec_sync(self.container_id, ["sh", "-c", script], timeout)

    def left(self) -> list[Path]:
        return list(self.own.settings.streams_dir.iterdir())


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    async with OwnContainerd(tmp_path_factory.mktemp("node") / "n") as own:
        ids = await own.pod("p", {"c": {"command": ["sleep", "3600"]}})
        made = Node(own, ids["c"])
        yield made
        await made.runner.aclose()


def processes(argument: str) -> list[int]:
    """Processes of this machine with this argument."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument.encode() in file.read_bytes().split(b"\0"):
                found.append(int(file.parent.name))
        except OSError:
            continue
    return found


async def until_there(argument: str) -> None:
    async with asyncio.timeout(10):
        while not processes(argument):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until_gone(argument: str) -> None:
    async with asyncio.timeout(10):
        while processes(argument):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_exit_code_and_output(node: Node) -> None:
    assert await node.run("echo err >&2; echo out; exit 3") == ExecResult(3, b"out\nerr\n")
    assert await node.run("true") == ExecResult(0, b"")
    assert node.left() == []


async def test_output_beyond_the_limit_is_thrown_away(node: Node) -> None:
    result = await node.run("yes | head -c 5000000; yes n | head -c 5000000 >&2")
    assert result == ExecResult(0, b"y\n" * (OUTPUT_LIMIT // 2))


async def test_one_that_hangs_is_killed_with_all_it_has_started(node: Node) -> None:
    with pytest.raises(ExecTimeoutError):
        await node.run(
            "sleep 98765.1 & (sleep 98765.1 & sleep 98765.1) & trap '' TERM; sleep 98765.1; :", 0.5
        )
    await until_gone("98765.1")
    assert node.left() == []


async def test_one_that_floods_is_killed_too(node: Node) -> None:
    with pytest.raises(ExecTimeoutError):
        await node.run("exec yes 98765.2", 0.5)
    await until_gone("98765.2")


async def test_what_runs_on_in_the_background_holds_nothing_up(node: Node) -> None:
    async with asyncio.timeout(15):
        assert await node.run("echo begun; sleep 98765.3 &") == ExecResult(0, b"begun\n")
    (pid,) = processes("98765.3")
    os.kill(pid, signal.SIGKILL)
    await until_gone("98765.3")


async def test_one_that_nobody_waits_for_is_killed(node: Node) -> None:
    task = asyncio.get_running_loop().create_task(node.run("sleep 98765.4; :"))
    await until_there("98765.4")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_gone("98765.4")


async def test_one_that_nobody_waits_for_while_it_starts_is_killed_with_its_children(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = node.own.client.start

    async def slow(container_id: str, exec_id: str) -> int:
        session = await start(container_id, exec_id)
        await until_there("98765.6")
        task.cancel()
        await asyncio.sleep(0.1)
        return session

    monkeypatch.setattr(node.own.client, "start", slow)
    task = asyncio.get_running_loop().create_task(node.run("sleep 98765.6; :"))
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_gone("98765.6")


async def test_what_an_agent_that_was_killed_left_running_is_ended(node: Node) -> None:
    task = asyncio.get_running_loop().create_task(node.run("sleep 98765.5 & sleep 98765.5"))
    async with asyncio.timeout(10):
        while len(processes("98765.5")) < 2 or not list(node.own.settings.streams_dir.glob("*/process")):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await node.another().clean_up()
    await until_gone("98765.5")
    assert node.left() == []
    await asyncio.wait([task])
    assert task.exception() is not None or task.result().exit_code == 137


async def test_what_cannot_be_run(node: Node) -> None:
    with pytest.raises(CRIError, match=r"failed to exec in container: .*no-such-program") as error:
        await node.runner.exec_sync(node.container_id, ["no-such-program"], 5)
    assert error.value.rpc.startswith("rpc error: code = Unknown desc = ")
    with pytest.raises(NotFoundError):
        await node.runner.exec_sync("no-such-container", ["true"], 5)
    assert node.left() == []
