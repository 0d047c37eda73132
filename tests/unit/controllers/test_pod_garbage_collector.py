"""Pods of nodes that are gone are removed, after a while and not before."""

from collections.abc import AsyncIterator

import pytest

from strongroom.api import resources
from strongroom.controllers import actions, pod_garbage_collector
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers, fake_api


class World(controllers.World):
    def start(self, most_ended: int = 100) -> None:
        informers = (self.informer(resources.PODS), self.informer(resources.NODES))
        self.task = self.spawn(
            pod_garbage_collector.PodGarbageCollector(
                self.client, *informers, self.clock, most_ended=most_ended
            )
        )

    def node(self, name: str) -> None:
        self.api.put(resources.NODES, {"metadata": {"name": name}})

    def pod(self, name: str, node: str = "") -> None:
        metadata: Object = {"name": name, "namespace": "n"}
        self.api.put(resources.PODS, {"metadata": metadata, "spec": {"nodeName": node} if node else {}})

    async def wait(self, seconds: float) -> None:
        """Let `seconds` pass; one more orphan wakes the worker, which then sees what is due."""
        self.clock.advance(seconds)
        self.pod(f"waker-{seconds}", "nowhere")
        await self.settle()

    def pods(self) -> list[str]:
        return [name for name in self.api.names(resources.PODS, "n") if not name.startswith("waker")]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


async def test_only_pods_whose_node_is_gone_are_removed_after_a_while(world: World) -> None:
    for node in ("a", "b"):
        world.node(node)
    for name, node in (("on-a", "a"), ("on-b", "b"), ("unbound", "")):
        world.pod(name, node)
    world.start()
    await world.settle()
    world.api.remove(resources.NODES, "a")
    await world.settle()
    await world.wait(39)
    assert world.pods() == ["on-a", "on-b", "unbound"]
    await world.wait(2)
    assert world.pods() == ["on-b", "unbound"]


async def test_an_orphan_from_before_the_start_is_removed(world: World) -> None:
    world.pod("p", "gone")
    world.start()
    await world.settle()
    await world.wait(41)
    assert world.pods() == []


async def test_a_node_that_comes_back_keeps_its_pods(world: World) -> None:
    world.node("a")
    world.pod("p", "a")
    world.start()
    await world.settle()
    world.api.remove(resources.NODES, "a")
    await world.settle()
    world.node("a")
    await world.wait(41)
    assert world.pods() == ["p"]


async def test_the_api_is_asked_before_a_pod_is_removed(world: World) -> None:
    world.pod("p", "a")
    world.start()
    await world.settle()
    asked: list[str] = []

    def fail(call: fake_api.Call) -> None:
        if call.path.endswith("/nodes/a"):
            asked.append(call.path)
            raise status.service_unavailable("not now")

    world.api.fail = fail
    await world.wait(41)
    assert asked
    assert world.pods() == ["p"]


@pytest.mark.parametrize(
    ("pod", "node", "expected"),
    [
        (None, None, False),
        ({"spec": {}}, None, False),
        ({"spec": {"nodeName": "a"}}, {"metadata": {"name": "a"}}, False),
        ({"spec": {"nodeName": "a"}}, None, True),
    ],
)
def test_an_orphan_is_bound_to_a_node_that_is_not_there(
    pod: Object | None, node: Object | None, expected: bool
) -> None:
    assert pod_garbage_collector.is_orphan(pod, node) is expected


async def test_it_can_be_cancelled_twice(world: World) -> None:
    world.start()
    await world.settle()
    await controllers.cancel_twice(world.task)


async def test_of_too_many_that_have_ended_the_oldest_go(world: World) -> None:
    world.node("a")
    for number, phase in enumerate(("Succeeded", "Failed", "Running", "Succeeded")):
        metadata: Object = {"name": f"p{number}", "namespace": "n"}
        metadata["creationTimestamp"] = f"2026-01-0{number + 1}T00:00:00Z"
        pod = {"metadata": metadata, "spec": {"nodeName": "a"}, "status": {"phase": phase}}
        world.api.put(resources.PODS, pod)
    world.start(most_ended=1)
    await world.settle()
    assert world.pods() == ["p2", "p3"]
    assert pod_garbage_collector.MOST_ENDED == 12_500


async def test_an_orphan_fails_with_its_node_before_it_is_removed(world: World) -> None:
    world.pod("p", "gone")
    world.start()
    await world.settle()
    world.api.calls.clear()
    await world.wait(41)
    patched, *_ = [call for call in world.api.writes if "/pods/p" in call.path]
    assert (patched.method, patched.path.rsplit("/", 1)[1]) == ("PATCH", "status")
    (said,) = patched.body["status"]["conditions"]
    assert patched.body["status"]["phase"] == "Failed"
    assert (said["type"], said["status"]) == ("DisruptionTarget", "True")
    assert (said["reason"], said["message"]) == ("DeletionByPodGC", "PodGC: node no longer exists")


def test_one_that_has_ended_is_not_changed_and_one_that_has_not_tells_its_generation() -> None:
    metadata: Object = {"name": "p", "namespace": "n", "uid": "u", "generation": 2}
    now = controllers.World().clock.now()
    for phase in ("Succeeded", "Failed"):
        assert pod_garbage_collector.failed({"metadata": metadata, "status": {"phase": phase}}, now) == []
    (action,) = pod_garbage_collector.failed({"metadata": metadata}, now)
    assert isinstance(action, actions.Patch)
    assert action.patch["metadata"] == {"uid": "u"}
    assert action.patch["status"]["observedGeneration"] == 2
    assert action.patch["status"]["conditions"][0]["observedGeneration"] == 2
