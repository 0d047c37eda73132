"""Why a container ended is told as it is, however late the runtime learns it, if at all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.node.containerd.oom_kills import OOMKills
from strongroom.testing import node as nodes
from strongroom.testing.node import Node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with nodes.running(tmp_path) as running:
        yield running


def reason(node: Node) -> object:
    return node.state().get("terminated", {}).get("reason")


async def test_a_cause_that_comes_after_the_end_of_the_pod_is_told(node: Node) -> None:
    node.put_pod(restartPolicy="Never")
    await node.until(node.is_ready)
    node.cri.end("c", 137)
    await node.until(lambda: node.status()["phase"] == "Failed")
    await node.settle()
    assert reason(node) == "Error"
    node.cri.tell_out_of_memory("c")
    await node.until(lambda: reason(node) == "OOMKilled")
    assert (node.status()["phase"], node.state()["terminated"]["exitCode"]) == ("Failed", 137)


async def test_a_cause_that_comes_after_a_restart_is_told_as_the_last_state(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    node.cri.end("c", 137)
    await node.until(lambda: node.cri.running("c") is not None)

    def last() -> object:
        return node.status()["containerStatuses"][0]["lastState"].get("terminated", {}).get("reason")

    await node.until(lambda: last() == "Error")
    node.cri.tell_out_of_memory("c")
    await node.until(lambda: last() == "OOMKilled")


async def test_a_cause_that_the_runtime_never_learns_is_told_at_once(node: Node, tmp_path: Path) -> None:
    node.services.oom_kills = OOMKills(tmp_path / "oom")
    (tmp_path / "oom").mkdir()
    node.put_pod(restartPolicy="Never")
    await node.until(node.is_ready)
    running = node.cri.running("c")
    assert running is not None
    (tmp_path / "oom" / running.id).touch()
    node.cri.end("c", 137)
    await node.until(lambda: node.status()["phase"] == "Failed")
    assert reason(node) == "OOMKilled"
