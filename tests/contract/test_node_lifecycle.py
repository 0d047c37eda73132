"""Nodes that go away and come back, and cordons; with the real server and the controllers' own rights."""

from collections.abc import AsyncIterator

import pytest

from strongroom.api import resources
from strongroom.machinery.gvk import Object
from strongroom.testing import managed
from strongroom.testing.managed import World

NODES, PODS = resources.NODES, resources.PODS


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with managed.running() as running:
        yield running


async def _node(world: World, ready: str = "True") -> None:
    allocatable = {"cpu": "2", "memory": "4Gi", "pods": "110"}
    condition = {"type": "Ready", "status": ready}
    status = {"allocatable": allocatable, "capacity": allocatable, "conditions": [condition]}
    await world.create(NODES, "a", status=status)


async def _taints(world: World, *wanted: str) -> None:
    async def there() -> bool:
        node = await world.client.get(NODES, "a")
        found = [f"{t['key']}:{t['effect']}" for t in (node.get("spec") or {}).get("taints") or ()]
        return sorted(found) == sorted(f"node.kubernetes.io/{each}" for each in wanted)

    await managed.until(there)


async def _report(world: World, ready: str) -> None:
    condition = {"type": "Ready", "status": ready, "lastHeartbeatTime": "2026-01-02T03:04:05Z"}
    patch = {"status": {"conditions": [condition]}}
    await world.client.patch(NODES, "a", patch, subresource="status")


async def test_taints_follow_readiness_and_cordon(world: World) -> None:
    await _node(world)
    await _report(world, "False")
    await _taints(world, "not-ready:NoSchedule", "not-ready:NoExecute")
    await _report(world, "Unknown")
    await _taints(world, "unreachable:NoSchedule", "unreachable:NoExecute")
    await _report(world, "True")
    await _taints(world)
    await world.client.patch(NODES, "a", {"spec": {"unschedulable": True}})
    await _taints(world, "unschedulable:NoSchedule")
    await world.client.patch(NODES, "a", {"spec": {"unschedulable": False}})
    await _taints(world)


async def test_pods_go_when_their_patience_with_the_node_is_over(world: World) -> None:
    await _node(world)
    toleration = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
    for name, seconds in (("leaves", 0), ("stays", 300)):
        spec: Object = {
            "containers": [{"name": "c", "image": "i"}],
            "nodeName": "a",
            "tolerations": [{**toleration, "tolerationSeconds": seconds}],
        }
        await world.create(PODS, name, spec=spec)
    await _report(world, "False")

    async def marked() -> object:
        return (await world.client.get(PODS, "leaves", "default"))["metadata"].get("deletionTimestamp")

    await managed.until(marked)
    pod = await world.client.get(PODS, "leaves", "default")
    assert [c["reason"] for c in pod["status"]["conditions"] if c["type"] == "DisruptionTarget"] == [
        "DeletionByTaintManager"
    ]
    stays = await world.client.get(PODS, "stays", "default")
    assert "deletionTimestamp" not in stays["metadata"]

    async def told() -> object:
        return await world.events("TaintManagerEviction")

    await managed.until(told)


async def test_a_pod_tolerates_a_lost_node_for_five_minutes_unless_it_says_otherwise(world: World) -> None:
    await world.create(PODS, "p", spec={"containers": [{"name": "c", "image": "i"}]})
    pod = await world.client.get(PODS, "p", "default")
    assert pod["spec"]["tolerations"] == [
        {
            "key": f"node.kubernetes.io/{key}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 300,
        }
        for key in ("not-ready", "unreachable")
    ]
