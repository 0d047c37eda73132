"""A more important Pod takes the place of another, with the real server, scheduler and their rights."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from strongroom.aio import tasks
from strongroom.api import resources
from strongroom.machinery.gvk import Object
from strongroom.testing import managed, pod_runner


@pytest.fixture
async def world() -> AsyncIterator[managed.World]:
    async with managed.running() as running, tasks.TaskGroup("nodes") as group:
        nodes = pod_runner.PodRunner(running.client, group)
        await nodes.start()
        yield running
        assert not group.failed.is_set()


async def _pod(world: managed.World, name: str, cpu: str, **spec: Any) -> None:
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
    await world.create(resources.PODS, name, spec={"containers": [container], **spec})


async def _get(world: managed.World, name: str) -> Object:
    return await world.client.get(resources.PODS, name, "default")


async def _runs(world: managed.World, name: str) -> None:
    async def so() -> bool:
        return bool((await _get(world, name))["status"].get("phase") == "Running")

    await managed.until(so)


async def test_the_less_important_pod_goes_and_both_are_told(world: managed.World) -> None:
    await world.create(resources.PRIORITY_CLASSES, "high", value=1000)
    await _pod(world, "low", "900")
    await _runs(world, "low")
    await _pod(world, "high", "900", priorityClassName="high")
    await world.gone(resources.PODS, "low")
    await _runs(world, "high")
    high = await _get(world, "high")
    assert "nominatedNodeName" not in high["status"]
    await managed.until(lambda: world.events("Preempted"))
    (event,) = await world.events("Preempted")
    assert event["involvedObject"]["name"] == "low"
    assert event["message"] == f"Preempted by pod {high['metadata']['uid']} on node node-1"
    (failed,) = await world.events("FailedScheduling")
    assert failed["message"] == "0/1 nodes are available: 1 Insufficient cpu."


async def test_without_a_class_nobody_goes(world: managed.World) -> None:
    await _pod(world, "first", "900")
    await _runs(world, "first")
    await _pod(world, "second", "900")
    await managed.until(lambda: world.events("FailedScheduling"))
    (failed,) = await world.events("FailedScheduling")
    assert failed["message"] == (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod."
    )
