"""Scratch space on disk that outgrows its limit ends its pod, as the kubelet words it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node import scratch_limits
from strongroom.node.cri.errors import CRIError
from strongroom.node.disk_usage import DiskUsage
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


def measured(node: Node, sleep: Callable[[float], Awaitable[None]]) -> ScratchLimits:
    usage = DiskUsage(node.cri, node.volumes, node.directory / "logs")
    return ScratchLimits(node.workers, node.volumes, usage, sleep=sleep)


async def look(node: Node) -> None:
    """One look at all pods, after the time between two."""
    slept: list[float] = []
    looked = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 1:
            looked.set()
            await asyncio.Event().wait()

    limits = node.tasks.spawn("limits", measured(node, sleep).run())
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


def limited(limit: str, **more: object) -> Object:
    return {"resources": {"limits": {"ephemeral-storage": limit}}, **more}


def logs(node: Node, container: str = "c") -> Path:
    return node.directory / "logs" / "ns_p_uid-p" / container


async def why(node: Node) -> str:
    """What the pod is ended for at the next look; "": it goes on."""
    await look(node)
    await node.settle()
    if not any("Evicted" in event for event in node.events):
        return ""
    await node.until(lambda: node.status().get("phase") == "Failed")
    assert node.status()["reason"] == "Evicted"
    assert f"Warning Evicted: {node.status()['message']}" in node.events
    return str(node.status()["message"])


OF_ALL = "Pod ephemeral local storage usage exceeds the total limit of containers {}. "
OF_ONE = 'Container {} exceeded its local ephemeral storage limit "{}". '


async def test_what_a_container_writes_beside_its_volumes_is_limited(node: Node) -> None:
    node.put_pod(container=limited("1Mi"))
    await node.until(node.is_ready)
    node.cri.written["c"] = 1_000_000
    assert await why(node) == ""
    node.cri.written["c"] = 1_050_000
    assert await why(node) == OF_ALL.format("1Mi")


async def test_logs_hosts_and_volumes_on_disk_count(node: Node) -> None:
    volumes = [{"name": "v", "emptyDir": {}}, {"name": "m", "emptyDir": {"medium": "Memory"}}]
    node.put_pod(container=limited("128Ki"), volumes=volumes)
    await node.until(node.is_ready)
    (node.volume(kind="empty-dir", volume="m") / "f").write_bytes(bytes(200_000))
    (logs(node) / "0.log").write_bytes(bytes(49_152))
    assert await why(node) == ""
    (node.volume(kind="empty-dir") / "f").write_bytes(bytes(49_152))
    assert await why(node) == ""
    node.cri.written["c"] = 131_072 - 2 * 49_152  # the hosts file is what is too much
    assert await why(node) == OF_ALL.format("128Ki")


async def test_one_container_may_not_use_what_another_may(node: Node) -> None:
    other = {"name": "d", "image": "shell:1", **limited("0.5M")}
    main = {"name": "c", "image": "shell:1", **limited("100k")}
    node.put_pod(containers=[main, other])
    await node.until(node.is_ready)
    node.cri.written |= {"c": 90_000, "d": 200_000}
    assert await why(node) == ""
    (logs(node) / "0.log").write_bytes(bytes(12_288))
    assert await why(node) == OF_ONE.format("c", "100k")


async def test_all_containers_together_have_the_sum_of_their_limits(node: Node) -> None:
    other = {"name": "d", "image": "shell:1", **limited("500k")}
    main = {"name": "c", "image": "shell:1"}
    node.put_pod(containers=[main, other])
    await node.until(node.is_ready)
    node.cri.written["c"] = 600_000
    assert await why(node) == OF_ALL.format("500k")


async def test_layers_on_a_disk_of_their_own_count_for_all_together_alone(node: Node) -> None:
    other = {"name": "d", "image": "shell:1", **limited("500k")}
    main = {"name": "c", "image": "shell:1", **limited("100k")}
    node.put_pod(containers=[main, other])
    await node.until(node.is_ready)
    node.cri.layers_dir = "/proc"
    node.cri.written["c"] = 200_000
    assert await why(node) == ""
    node.cri.written["c"] = 700_000
    assert await why(node) == OF_ALL.format("600k")


async def test_a_pod_without_limits_costs_no_call(node: Node) -> None:
    node.put_pod(**scratch(sizeLimit="64Ki"))
    await node.until(node.is_ready)
    node.cri.written["c"] = 10**12
    assert await why(node) == ""
    assert ("list_container_stats", "") not in node.cri.calls


async def test_a_runtime_that_does_not_answer_ends_nothing(node: Node) -> None:
    def fail(call: str, _: str) -> None:
        if call == "list_container_stats":
            raise CRIError("Unavailable", "away")

    node.put_pod(container=limited("1Mi"))
    await node.until(node.is_ready)
    node.cri.fail = fail
    node.cri.written["c"] = 10**12
    assert await why(node) == ""
    node.cri.fail = None
    assert await why(node) == OF_ALL.format("1Mi")


async def test_the_newest_run_of_a_container_counts(node: Node) -> None:
    node.put_pod(container=limited("1Mi"))
    await node.until(node.is_ready)
    node.cri.end("c", 1)
    await node.until(lambda: node.cri.container_names == ["c/0 exited", "c/1 running"])
    node.cri.written |= {"c/0": 2_000_000, "c/1": 600_000}
    assert await why(node) == ""
