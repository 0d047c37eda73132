"""The Node object: registered, kept true, and a sign of life."""

from dataclasses import dataclass, field

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery import gvk, status
from strongroom.machinery.gvk import Object
from strongroom.node.cri.errors import UnavailableError
from strongroom.node.node_status import NodeStatus
from strongroom.testing.fake_api import Call, FakeAPI
from strongroom.testing.fake_cri import FakeCRI
from strongroom.testing.node import MACHINE

LEASES = gvk.Resource("coordination.k8s.io", "v1", "leases", "Lease")


@dataclass
class World:
    leases: bool = True
    clock: FakeClock = field(default_factory=FakeClock)
    cri: FakeCRI = field(default_factory=FakeCRI)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.api = FakeAPI([resources.NODES, *([LEASES] if self.leases else [])])
        client = Client(self.api, "test")
        self.status = NodeStatus(
            client,
            self.cri,
            self,
            self.clock,
            MACHINE,
            node_name="n1",
            streaming_port=10250,
            annotations={"a": "b"},
        )

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        assert obj["metadata"] == {"name": "n1", "uid": "n1"}
        self.told.append(f"{type} {reason}: {message}")

    @property
    def node(self) -> Object:
        found = self.api.get(resources.NODES, "n1")
        assert found is not None
        return found

    def condition(self, kind: str) -> Object:
        return next(item for item in self.node["status"]["conditions"] if item["type"] == kind)


async def test_registration() -> None:
    world = World()
    await world.status.beat()
    assert world.status.ready
    node = world.node
    assert node["metadata"]["annotations"] == {"a": "b"}
    assert node["metadata"]["labels"] == {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": "n1",
        "kubernetes.io/os": "linux",
    }
    found = node["status"]
    assert found["addresses"] == [
        {"type": "InternalIP", "address": "192.0.2.1"},
        {"type": "Hostname", "address": "n1"},
    ]
    assert found["capacity"] == found["allocatable"] == MACHINE.capacity()
    assert found["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert found["nodeInfo"]["containerRuntimeVersion"] == "fake://1.0"
    assert {item["type"]: item["status"] for item in found["conditions"]} == {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "Ready": "True",
    }
    assert world.condition("Ready")["reason"] == "KubeletReady"
    assert world.told[0] == "Normal Starting: Starting kubelet."
    assert world.told[-1] == "Normal NodeReady: Node n1 status is now: NodeReady"


async def test_a_node_that_is_known_is_taken_over() -> None:
    world = World()
    metadata = {"name": "n1", "labels": {"own": "kept"}}
    world.api.put(resources.NODES, {"kind": "Node", "apiVersion": "v1", "metadata": metadata})
    await world.status.beat()
    assert world.node["metadata"]["labels"]["own"] == "kept"
    assert world.node["metadata"]["labels"]["kubernetes.io/os"] == "linux"
    assert world.node["metadata"]["annotations"] == {"a": "b"}
    assert world.status.ready


async def test_it_writes_when_something_changed_and_every_five_minutes() -> None:
    world = World(leases=False)
    await world.status.beat()
    written = len(world.api.writes)
    for _ in range(29):
        world.clock.advance(10)
        await world.status.beat()
    assert len(world.api.writes) == written
    world.clock.advance(10)
    await world.status.beat()
    assert len(world.api.writes) == written + 1
    assert world.condition("Ready")["lastHeartbeatTime"] == "2026-01-02T03:09:05Z"
    assert world.condition("Ready")["lastTransitionTime"] == "2026-01-02T03:04:05Z"


async def test_a_runtime_that_is_not_ready() -> None:
    world = World()
    world.cri.ready = False
    await world.status.beat()
    assert not world.status.ready
    ready = world.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", "KubeletNotReady")
    assert "container runtime network not ready: NetworkReady=false" in ready["message"]
    world.cri.ready = True
    world.clock.advance(10)
    await world.status.beat()
    assert world.condition("Ready")["lastTransitionTime"] == "2026-01-02T03:04:15Z"
    assert world.told[-2:] == [
        "Normal NodeNotReady: Node n1 status is now: NodeNotReady",
        "Normal NodeReady: Node n1 status is now: NodeReady",
    ]


async def test_a_runtime_that_is_away() -> None:
    def fail(call: str, _: str) -> None:
        raise UnavailableError("no socket")

    world = World(cri=FakeCRI(fail=fail))
    await world.status.beat()
    assert world.condition("Ready")["message"] == "[container runtime is down: no socket]"


async def test_lease() -> None:
    world = World()
    await world.status.beat()
    lease = world.api.get(LEASES, "n1", "kube-node-lease")
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == "n1"
    assert lease["spec"]["leaseDurationSeconds"] == 40
    world.clock.advance(10)
    await world.status.beat()
    renewed = world.api.get(LEASES, "n1", "kube-node-lease")
    assert renewed is not None
    assert renewed["spec"]["renewTime"] == "2026-01-02T03:04:15.000000Z"


async def test_an_api_that_forbids_leases_is_not_asked_again() -> None:
    world = World()

    def forbid(call: Call) -> None:
        if "leases" in call.path:
            raise status.forbidden(LEASES, "n1", "no")

    world.api.fail = forbid
    await world.status.beat()
    await world.status.beat()
    assert len([call for call in world.api.calls if "leases" in call.path]) == 1


async def test_a_node_that_was_deleted_registers_anew() -> None:
    world = World()
    await world.status.beat()
    world.api.remove(resources.NODES, "n1")
    world.clock.advance(300)
    await world.status.beat()
    await world.status.beat()
    assert world.condition("Ready")["status"] == "True"


async def test_an_api_without_leases_is_not_asked_again() -> None:
    world = World(leases=False)
    await world.status.beat()
    await world.status.beat()
    asked = [call for call in world.api.calls if "leases" in call.path]
    assert [call.method for call in asked] == ["PATCH", "POST"]


@pytest.mark.parametrize("error", [ConnectionFailed("away"), status.internal_error("x")])
async def test_trouble_is_left_to_the_next_beat(error: Exception) -> None:
    world = World()

    def fail(call: Call) -> None:
        raise error

    world.api.fail = fail
    await world.status.beat()
    assert not world.status.ready
    world.api.fail = None
    await world.status.beat()
    assert world.status.ready


async def test_a_node_that_was_given_up_reports_that_it_is_there() -> None:
    world = World()
    await world.status.beat()
    node = world.node
    for condition in node["status"]["conditions"]:
        condition["status"] = "Unknown"
    world.api.put(resources.NODES, node)
    world.clock.advance(10)
    await world.status.beat()
    assert world.condition("Ready")["status"] == "True"
    assert world.condition("MemoryPressure")["status"] == "False"
    written = len(world.api.writes)
    world.clock.advance(10)
    await world.status.beat()
    assert [call.path for call in world.api.writes[written:]] == [
        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1"
    ]
