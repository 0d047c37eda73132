"""Pods that the node refuses, and what it cannot do for those that it has: told, and nothing touched."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.api import resources
from strongroom.machinery.gvk import Object
from strongroom.testing import node as nodes
from strongroom.testing.node import Node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with nodes.running(tmp_path) as running:
        yield running


async def test_a_pod_that_does_not_fit_is_refused_and_touches_nothing(node: Node) -> None:
    node.put_pod("q", container={"resources": {"requests": {"cpu": "1500m"}}})
    await node.until(lambda: node.is_ready("q"))
    calls = list(node.cri.calls)
    node.put_pod(container={"resources": {"requests": {"cpu": "1"}}})
    await node.until(lambda: node.status().get("phase") == "Failed")
    text = "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000"
    assert (node.status()["reason"], node.status()["message"]) == ("OutOfcpu", f"Pod was rejected: {text}")
    assert node.events.count(f"Warning OutOfcpu: {text}") == 1
    await node.settle()
    started = [call for call in node.cri.calls[len(calls) :] if call[0] in ("run_pod_sandbox", "pull_image")]
    assert started == []
    node.delete_pod()
    await node.until(lambda: node.pod() is None)
    assert node.is_ready("q")


async def test_a_pod_that_was_taken_is_not_refused_by_the_next_agent(node: Node) -> None:
    node.put_pod("q", container={"resources": {"requests": {"cpu": "1500m"}}})
    await node.until(lambda: node.is_ready("q"))
    pod = node.put_pod(container={"resources": {"requests": {"cpu": "1"}}})
    await node.until(lambda: node.status().get("phase") == "Failed")
    taken = {"startTime": "2026-01-01T00:00:00Z", "phase": "Running"}
    node.api.put(resources.PODS, {**pod, "status": taken})
    await node.restart()
    await node.until(lambda: node.is_ready("q") and node.is_ready("p"))


async def test_what_the_node_cannot_do_is_told_again_and_again(node: Node) -> None:
    node.put_pod(hostUsers=False)
    text = (
        "Warning FailedCreatePodSandBox: Failed to create pod sandbox: can't set `spec.hostUsers: false`,"
        " runtime does not support user namespaces"
    )
    await node.until(lambda: text in node.events)
    assert node.cri.sandbox_count == 0
    await node.pass_time(61)
    assert node.events.count(text) == 2
    assert node.state() == {"waiting": {"reason": "ContainerCreating"}}
    node.delete_pod()
    await node.until(lambda: node.pod() is None)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"persistentVolumeClaim": {"claimName": "c"}}, 'persistentvolumeclaim "c" not found'),
        (
            {"nfs": {"server": "s", "path": "/"}},
            "no volume plugin matched: this node does not do volumes of type nfs",
        ),
        (
            {"csi": {"driver": "d"}},
            "no volume plugin matched: this node does not do volumes of type csi",
        ),
    ],
)
async def test_a_volume_that_the_node_does_not_do_is_told(node: Node, source: Object, text: str) -> None:
    node.put_pod(volumes=[{"name": "v", **source}])
    told = f'Warning FailedMount: MountVolume.SetUp failed for volume "v" : {text}'
    await node.until(lambda: told in node.events)
    assert node.cri.sandbox_count == 0
    node.delete_pod()
    await node.until(lambda: node.pod() is None)


async def test_windows_fields_are_told_of(node: Node) -> None:
    node.put_pod(securityContext={"windowsOptions": {"runAsUserName": "x"}})
    await node.until(node.is_ready)
    text = "Warning IgnoredField: securityContext.windowsOptions has no effect on a Linux node"
    assert node.events.count(text) == 1


def label(node: Node, **labels: str) -> None:
    metadata = {"name": "n1", "labels": labels}
    node.api.put(resources.NODES, {"kind": "Node", "apiVersion": "v1", "metadata": metadata})


async def test_a_pod_that_wants_another_node_is_refused(node: Node) -> None:
    label(node, disk="slow")
    node.put_pod(nodeSelector={"disk": "fast"})
    await node.until(lambda: node.status().get("phase") == "Failed")
    text = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
    assert (node.status()["reason"], node.status()["message"]) == (
        "NodeAffinity",
        f"Pod was rejected: {text}",
    )
    assert node.events == [f"Warning NodeAffinity: {text}"]
    assert node.cri.sandbox_count == 0


async def test_the_label_that_brought_a_pod_here_may_be_a_moment_old(node: Node) -> None:
    node.put_pod(nodeSelector={"disk": "fast"})  # the node is not even registered
    await node.settle()
    assert node.status() == {}
    label(node, disk="fast")
    await node.pass_time(1)
    await node.until(node.is_ready)
    label(node)
    node.cri.end("c", 1)
    await node.until(lambda: "c/1 running" in node.cri.container_names)


async def test_a_pod_that_wants_no_node_in_particular_asks_for_none(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    assert not any("/nodes" in call.path for call in node.api.calls)


async def test_a_pod_that_waits_for_its_node_to_be_known_can_be_deleted(node: Node) -> None:
    node.put_pod(nodeSelector={"disk": "fast"})
    await node.settle()
    node.delete_pod()
    await node.until(lambda: node.pod() is None)
