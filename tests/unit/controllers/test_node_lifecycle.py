"""A node that stops renewing its Lease is given up, and taken back when it returns."""

from typing import Any

from strongroom.api import resources
from strongroom.controllers.node_lifecycle import GRACE, NodeLifecycle
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers

NODES, PODS, LEASES = resources.NODES, resources.PODS, resources.LEASES


class World(controllers.World):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.api.put(NODES, {"metadata": {"name": "a"}, "spec": {}, "status": self.status("True")})
        self.renew("1")
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        pod = {"metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": "a"}, "status": ready}
        self.api.put(PODS, pod)

    @staticmethod
    def status(ready: str, beat: str = "1") -> Object:
        return {"conditions": [{"type": "Ready", "status": ready, "lastHeartbeatTime": beat}]}

    def renew(self, time: str) -> None:
        metadata = {"name": "a", "namespace": "kube-node-lease"}
        self.api.put(LEASES, {"metadata": metadata, "spec": {"renewTime": time}})

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        self.told.append(f"{obj['kind']} {type} {reason}: {message}")

    async def start(self) -> None:
        recorder: Any = self
        nodes, leases, pods = (self.informer(resource) for resource in (NODES, LEASES, PODS))
        self.loop = NodeLifecycle(self.client, nodes, leases, pods, recorder, self.clock)
        self.spawn(self.loop)
        await self.settle()

    async def later(self, seconds: float) -> None:
        """Time passes, and the node is looked at."""
        self.clock.advance(seconds)
        self.loop._loop.queue.add("a")
        await self.settle()
        await self.settle()

    @property
    def node(self) -> Object:
        found = self.api.get(NODES, "a")
        assert found is not None
        return found

    @property
    def ready(self) -> str:
        (state,) = [c["status"] for c in self.node["status"]["conditions"] if c["type"] == "Ready"]
        return str(state)

    @property
    def taints(self) -> list[str]:
        return [f"{t['key']}:{t['effect']}" for t in self.node["spec"].get("taints") or ()]


async def test_a_node_that_renews_its_lease_is_left_alone() -> None:
    async with World() as world:
        await world.start()
        for beat in range(2, 20):
            world.renew(str(beat))
            await world.settle()
            await world.later(GRACE - 1)
        assert world.api.writes == []


async def test_a_silent_node_is_unknown_tainted_and_its_pods_not_ready() -> None:
    async with World() as world:
        await world.start()
        await world.later(GRACE - 1)
        assert world.ready == "True"
        await world.later(1)
        assert world.ready == "Unknown"
        assert world.taints == [
            "node.kubernetes.io/unreachable:NoSchedule",
            "node.kubernetes.io/unreachable:NoExecute",
        ]
        pod = world.api.get(PODS, "p", "n")
        assert pod is not None
        assert pod["status"]["conditions"][0]["status"] == "False"
        assert world.told == [
            "Node Normal NodeNotReady: Node a status is now: NodeNotReady",
            "Pod Warning NodeNotReady: Node is not ready",
        ]
        written = len(world.api.writes)
        await world.later(GRACE)
        assert len(world.api.writes) == written


async def test_a_node_that_comes_back_loses_its_taints() -> None:
    async with World() as world:
        await world.start()
        await world.later(GRACE)
        assert world.taints
        world.renew("2")
        await world.settle()
        world.api.put(NODES, {**world.node, "status": world.status("True", "2")})
        await world.settle()
        assert world.taints == []


async def test_a_report_of_its_own_is_a_sign_of_life_too() -> None:
    async with World() as world:
        await world.start()
        await world.later(GRACE - 1)
        world.api.put(NODES, {**world.node, "status": world.status("True", "2")})
        await world.settle()
        await world.later(GRACE - 1)
        assert world.ready == "True"
