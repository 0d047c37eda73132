"""`activeDeadlineSeconds`: the pod is ended, and told to have failed once nothing of it runs any more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.machinery.gvk import Object
from strongroom.testing import node as nodes
from strongroom.testing.node import Node

SECRET_VOLUME: Object = {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with nodes.running(tmp_path) as running:
        yield running


async def test_a_pod_past_its_deadline_is_ended(node: Node) -> None:
    node.put_pod(activeDeadlineSeconds=60)
    await node.until(node.is_ready)
    stopped = node.cri.hold("stop_container")
    await node.pass_time(61)
    await node.settle()
    assert node.status()["phase"] == "Running", "not failed before nothing of it runs any more"
    stopped.set()
    await node.until(lambda: node.status().get("phase") == "Failed")
    assert node.cri.running("c") is None
    assert node.status()["reason"] == "DeadlineExceeded"
    assert node.state()["terminated"]["exitCode"] == 143


async def test_a_pod_past_its_deadline_that_never_came_to_run_fails_all_the_same(node: Node) -> None:
    node.put_pod(activeDeadlineSeconds=60, **SECRET_VOLUME)
    await node.until(lambda: node.status().get("phase") == "Pending")
    await node.pass_time(61)
    await node.until(lambda: node.status().get("phase") == "Failed")
    assert node.status()["reason"] == "DeadlineExceeded"
    assert node.state()["terminated"]["reason"] == "ContainerStatusUnknown"
