"""Probes in the life of a pod."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.machinery.gvk import Object
from strongroom.testing import node as nodes
from strongroom.testing.node import Node


def probe(**fields: Any) -> Object:
    return {"exec": {"command": ["check"]}, "failureThreshold": 1, "periodSeconds": 10, **fields}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with nodes.running(tmp_path) as running:
        yield running


def container_status(node: Node) -> Object:
    found: Object = node.status()["containerStatuses"][0]
    return found


def condition(node: Node, kind: str) -> Object:
    conditions: list[Object] = node.status()["conditions"]
    return next(each for each in conditions if each["type"] == kind)


async def test_ready_after_the_first_success_and_not_before(node: Node) -> None:
    node.cri.exec_exit_code, node.cri.exec_output = 1, b"no"
    node.put_pod(container={"readinessProbe": probe()})
    await node.until(lambda: "running" in node.state())
    assert container_status(node)["ready"] is False
    assert container_status(node)["started"] is True
    for kind in ("Ready", "ContainersReady"):
        told = condition(node, kind)
        assert (told["status"], told["reason"]) == ("False", "ContainersNotReady")
        assert told["message"] == "containers with unready status: [c]"
    for _ in range(3):
        await node.pass_time(1)
    assert "Warning Unhealthy: Readiness probe failed: no" in node.events
    node.cri.exec_exit_code = 0
    await node.pass_time(10)
    await node.until(node.is_ready)
    assert container_status(node)["ready"] is True


async def test_readiness_that_is_lost_restarts_nothing(node: Node) -> None:
    node.put_pod(container={"readinessProbe": probe()})
    await node.until(lambda: "running" in node.state())
    await node.pass_time(1)
    await node.until(node.is_ready)
    node.cri.exec_exit_code = 1
    await node.pass_time(10)
    await node.until(lambda: not node.is_ready())
    assert node.cri.container_names == ["c/0 running"]


@pytest.mark.parametrize("policy", ["Always", "OnFailure"])
async def test_a_failed_liveness_probe_restarts_the_container(node: Node, policy: str) -> None:
    node.cri.stop_exit_code = 0
    node.put_pod(container={"livenessProbe": probe()}, restartPolicy=policy)
    await node.until(node.is_ready)
    node.cri.exec_exit_code, node.cri.exec_output = 1, b"stuck"
    await node.pass_time(1)
    await node.until(lambda: "c/1 running" in node.cri.container_names)
    assert "Warning Unhealthy: Liveness probe failed: stuck" in node.events
    assert "Normal Killing: Container c failed liveness probe, will be restarted" in node.events
    await node.until(lambda: container_status(node)["restartCount"] == 1)
    assert node.status()["phase"] == "Running"


async def test_with_policy_never_it_is_killed_for_good(node: Node) -> None:
    node.put_pod(container={"livenessProbe": probe()}, restartPolicy="Never")
    await node.until(node.is_ready)
    node.cri.exec_exit_code = 1
    await node.pass_time(1)
    await node.until(lambda: node.status()["phase"] == "Failed")
    assert "Normal Killing: Container c failed liveness probe" in node.events


async def test_the_probe_says_how_long_the_container_has_to_end(node: Node) -> None:
    node.put_pod(container={"livenessProbe": probe(terminationGracePeriodSeconds=7)})
    await node.until(node.is_ready)
    node.cri.exec_exit_code = 1
    await node.pass_time(1)
    await node.until(lambda: node.cri.stop_timeouts != [])
    assert node.cri.stop_timeouts == [7]


async def test_started_is_told_after_the_startup_probe(node: Node) -> None:
    node.cri.exec_exit_code = 1
    node.put_pod(container={"startupProbe": probe(failureThreshold=5)})
    await node.until(lambda: "running" in node.state())
    assert (container_status(node)["started"], container_status(node)["ready"]) == (False, False)
    node.cri.exec_exit_code = 0
    await node.pass_time(1)
    await node.until(node.is_ready)
    assert container_status(node)["started"] is True


async def test_a_failed_startup_probe_restarts_the_container(node: Node) -> None:
    node.cri.exec_exit_code = 1
    node.put_pod(container={"startupProbe": probe()})
    await node.until(lambda: "running" in node.state())
    for _ in range(3):
        await node.pass_time(1)
    await node.until(lambda: "c/1 running" in node.cri.container_names)
    assert "Normal Killing: Container c failed startup probe, will be restarted" in node.events


async def test_a_new_agent_does_not_take_readiness_away(node: Node) -> None:
    node.put_pod(container={"readinessProbe": probe()})
    await node.until(lambda: "running" in node.state())
    await node.pass_time(1)
    await node.until(node.is_ready)
    node.clock.advance(60)
    writes = len(node.api.writes)
    await node.restart()
    await node.settle()
    assert node.is_ready()
    told = [write.body["status"]["containerStatuses"][0] for write in node.api.writes[writes:]]
    assert [each for each in told if not (each["ready"] and each["started"])] == []


async def test_a_pod_that_is_deleted_is_not_asked_whether_it_lives(node: Node) -> None:
    gate = node.cri.hold("stop_container")
    node.put_pod(container={"livenessProbe": probe()})
    await node.until(node.is_ready)
    node.delete_pod()
    await node.until(lambda: ("stop_container", "c") in node.cri.calls)
    node.cri.exec_exit_code = 1
    await node.pass_time(100)
    assert ("exec_sync", "check") not in node.cri.calls
    gate.set()
    await node.until(lambda: node.pod() is None)
    await node.pass_time(100)


async def test_a_pod_that_is_ending_may_become_unready(node: Node) -> None:
    gate = node.cri.hold("stop_container")
    node.put_pod(container={"readinessProbe": probe()})
    await node.until(lambda: "running" in node.state())
    await node.pass_time(1)
    await node.until(node.is_ready)
    node.delete_pod()
    await node.until(lambda: ("stop_container", "c") in node.cri.calls)
    node.cri.exec_exit_code = 1
    await node.pass_time(10)
    await node.until(lambda: not node.is_ready())
    gate.set()
    await node.until(lambda: node.pod() is None)


async def test_values_that_a_probe_prints_are_in_no_event(node: Node) -> None:
    node.put_secret("s", password="hunter2\n")
    env = [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}}]
    node.cri.exec_exit_code, node.cri.exec_output = 1, b"with hunter2 it fails"
    node.put_pod(container={"env": env, "livenessProbe": probe()})
    await node.until(lambda: "running" in node.state())
    await node.pass_time(1)
    text = "Warning Unhealthy: Liveness probe failed: with ******** it fails"
    await node.until(lambda: text in node.events)
    assert "hunter2" not in str(node.events)
