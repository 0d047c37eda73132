"""One Secret in every pod of a node: all files are new before anything else follows from the change."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.delivery.receipt import Delivery
from strongroom.node.pod_worker import PodWorker
from strongroom.node.volumes.manager import VolumeManager
from strongroom.testing import node as nodes
from strongroom.testing.node import Node

PODS = [f"p{number}" for number in range(20)]
VOLUMES: Object = {
    "volumes": [
        {"name": "v", "secret": {"secretName": "s"}},
        {"name": "w", "secret": {"secretName": "t"}},
        {"name": "both", "projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "m"}}]}},
    ]
}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with nodes.running(tmp_path) as running:
        yield running


async def pods_with_the_secret(node: Node) -> None:
    """PODS are ready, and each has the Secret `s` as its volume."""
    node.put_secret("s", k="old")
    for name in PODS:
        node.put_pod(name, volumes=[{"name": "v", "secret": {"secretName": "s"}}])
    await node.until(lambda: all(node.is_ready(name) for name in PODS))
    await node.settle()


async def test_all_files_come_before_any_status(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    await pods_with_the_secret(node)
    order: list[str] = []
    set_up, tell = VolumeManager.set_up, node.services.deliveries.set

    def noted(self: VolumeManager, pod: Object, volume: Object) -> bool:
        order.append("files")
        return set_up(self, pod, volume)

    monkeypatch.setattr(VolumeManager, "set_up", noted)

    def told(pod: Object, deliveries: Sequence[Delivery]) -> None:
        order.append("told")
        tell(pod, deliveries)

    monkeypatch.setattr(node.services.deliveries, "set", told)
    node.put_secret("s", k="new")
    await node.until(lambda: order.count("told") >= len(PODS))
    assert order[: len(PODS)] == ["files"] * len(PODS)
    assert [(node.volume(name) / "k").read_bytes() for name in PODS] == [b"new"] * len(PODS)


async def test_a_change_that_comes_meanwhile_is_in_all_files_before_the_rest_follows(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pods_with_the_secret(node)
    order: list[str] = []
    set_up, follow = VolumeManager.set_up, PodWorker.object_changed

    def noted(self: VolumeManager, pod: Object, volume: Object) -> bool:
        order.append("files")
        return set_up(self, pod, volume)

    def followed(self: PodWorker) -> None:
        if "follows" not in order:
            node.put_secret("s", k="newer")
        order.append("follows")
        follow(self)

    monkeypatch.setattr(VolumeManager, "set_up", noted)
    monkeypatch.setattr(PodWorker, "object_changed", followed)
    node.put_secret("s", k="new")
    await node.until(lambda: order.count("follows") >= len(PODS))
    text = "".join(each[1] for each in order)
    first, _, rest = text.partition("o")
    between, _, _ = rest.partition("i" * len(PODS))
    assert first == "i" * len(PODS)
    assert len(between) < len(PODS) - 1, "they did not wait until everybody had been told of the one before"
    assert [(node.volume(name) / "k").read_bytes() for name in PODS] == [b"newer"] * len(PODS)


async def test_only_volumes_that_are_made_of_an_object_are_looked_at(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("s", "t"):
        node.put_secret(name, k="old")
    node.put_config_map("m", c="old")
    node.put_pod(**VOLUMES)
    await node.until(node.is_ready)
    seen: list[str] = []
    set_up = VolumeManager.set_up

    def noted(self: VolumeManager, pod: Object, volume: Object) -> bool:
        seen.append(volume["name"])
        return set_up(self, pod, volume)

    monkeypatch.setattr(VolumeManager, "set_up", noted)
    node.put_secret("s", k="new")
    await node.until(lambda: (node.volume(kind="projected", volume="both") / "k").read_bytes() == b"new")
    node.put_config_map("m", c="new")
    await node.until(lambda: (node.volume(kind="projected", volume="both") / "c").read_bytes() == b"new")
    await node.settle()
    assert seen == ["v", "both", "both"]
