"""Scratch space on disk that outgrows its limit ends its pod, as the kubelet words it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node import scratch_limits
from strongroom.node.scratch_limits import ScratchLimits
from strongroom.testing import node as nodes
from strongroom.testing.node import Node

TEXT = 'Usage of EmptyDir volume "v" exceeds the limit "64Ki". '


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with nodes.running(tmp_path) as running:
        yield running


def scratch(**source: str) -> Object:
    return {"volumes": [{"name": "v", "emptyDir": source}, {"name": "w", "emptyDir": {}}]}


async def look(node: Node) -> None:
    """One look at all pods, after the time between two."""
    slept: list[float] = []
    looked = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 1:
            looked.set()
            await asyncio.Event().wait()

    limits = node.tasks.spawn("limits", ScratchLimits(node.workers, node.volumes, sleep=sleep).run())
    await looked.wait()
    limits.cancel()
    assert set(slept) == {scratch_limits.EVERY}


async def test_more_than_the_limit_ends_the_pod(node: Node) -> None:
    node.put_pod(**scratch(sizeLimit="64Ki"), terminationGracePeriodSeconds=300)
    await node.until(node.is_ready)
    place = node.volume(kind="empty-dir")
    (place / "f").write_bytes(bytes(32_768))
    await look(node)
    await node.settle()
    assert node.is_ready()
    (place / "g").write_bytes(bytes(40_000))
    await look(node)
    await node.until(lambda: node.status().get("phase") == "Failed")
    assert (node.status()["reason"], node.status()["message"]) == ("Evicted", TEXT)
    assert f"Warning Evicted: {TEXT}" in node.events
    assert node.cri.running("c") is None
    await node.until(lambda: not place.exists())
    await look(node)
    assert sum("Evicted" in event for event in node.events) == 1


async def test_others_are_left_alone(node: Node) -> None:
    pods = {
        "without": scratch(),
        "memory": scratch(medium="Memory", sizeLimit="64Ki"),
        "critical": scratch(sizeLimit="64Ki") | {"priority": 2_000_001_000},
    }
    for name, spec in pods.items():
        node.put_pod(name, **spec)
    await node.until(lambda: all(node.is_ready(name) for name in pods))
    for name in pods:
        (node.volume(name, "empty-dir") / "f").write_bytes(bytes(100_000))
        (node.volume(name, "empty-dir", "w") / "f").write_bytes(bytes(100_000))
    await look(node)
    await node.settle()
    assert all(node.is_ready(name) for name in pods)
    assert not any("Evicted" in event for event in node.events)


async def test_a_pod_that_is_evicted_has_the_least_grace(node: Node) -> None:
    node.put_pod(terminationGracePeriodSeconds=300)
    await node.until(node.is_ready)
    node.workers.evict("uid-p", TEXT)
    node.workers.evict("uid-of-nobody", TEXT)
    await node.until(lambda: node.status().get("phase") == "Failed")
    assert node.cri.stop_timeouts == [2]
