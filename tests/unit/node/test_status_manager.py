"""The newest status of each pod reaches the API, and nothing is written twice."""

import asyncio

import pytest

from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.node import status_manager
from strongroom.node.status_manager import StatusManager
from strongroom.testing.fake_api import Call, FakeAPI


class World:
    def __init__(self) -> None:
        self.api = FakeAPI([resources.PODS])
        self.tasks = TaskGroup("test")
        self.slept: list[float] = []
        self.manager = StatusManager(Client(self.api, "test"), self.tasks, sleep=self._sleep)
        metadata = {"name": "p", "namespace": "ns", "uid": "u1"}
        self.pod = self.api.put(resources.PODS, {"kind": "Pod", "apiVersion": "v1", "metadata": metadata})

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    @property
    def stored(self) -> Object:
        found = self.api.get(resources.PODS, "p", "ns")
        assert found is not None
        return dict(found.get("status") or {})


async def test_written_once_at_its_place() -> None:
    world = World()
    world.manager.set(world.pod, {"phase": "Running"})
    await world.manager.flush("u1")
    world.manager.set(world.pod, {"phase": "Running"})
    await world.manager.flush("u1")
    (call,) = world.api.writes
    assert call.path == "/api/v1/namespaces/ns/pods/p/status"
    assert call.body == {"metadata": {"uid": "u1"}, "status": {"phase": "Running", "conditions": []}}
    assert world.stored["phase"] == "Running"


async def test_what_the_api_has_already_is_not_written() -> None:
    world = World()
    world.manager.set(
        {**world.pod, "status": {"phase": "Running", "podIP": "10.0.0.1"}},
        {"phase": "Running", "podIP": "10.0.0.1"},
    )
    await world.manager.flush("u1")
    assert world.api.writes == []


async def test_only_the_newest_is_written_after_one_under_way() -> None:
    world = World()
    for number in range(5):
        world.manager.set(world.pod, {"phase": f"{number}"})
    await world.manager.flush("u1")
    assert [call.body["status"]["phase"] for call in world.api.writes] == ["4"]


@pytest.mark.parametrize("error", [ConnectionFailed("away"), status.internal_error("x")])
async def test_trouble_is_tried_again(error: Exception) -> None:
    world = World()
    failures = [error, error]

    def fail(call: Call) -> None:
        if call.is_write and failures:
            raise failures.pop()

    world.api.fail = fail
    world.manager.set(world.pod, {"phase": "Running"})
    await world.manager.flush("u1")
    assert len(world.slept) == 2
    assert world.stored["phase"] == "Running"


async def test_a_pod_that_is_gone_is_left_alone() -> None:
    world = World()
    world.api.remove(resources.PODS, "p", "ns")
    world.manager.set(world.pod, {"phase": "Running"})
    await world.manager.flush("u1")
    world.manager.set(world.pod, {"phase": "Failed"})
    await world.manager.flush("u1")
    assert len(world.api.writes) == 1
    world.manager.forget("u1")
    await world.manager.flush("u1")


def test_patch_takes_away_what_is_no_more() -> None:
    old = {
        "podIP": "10.0.0.1",
        "podIPs": [{"ip": "10.0.0.1"}],
        "reason": "x",
        "conditions": [{"type": "Ready", "status": "False", "reason": "r", "message": "m"}],
    }
    new = {
        "podIP": "10.0.0.2",
        "podIPs": [{"ip": "10.0.0.2"}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    assert status_manager.patch(old, new) == {
        "podIP": "10.0.0.2",
        "podIPs": [{"$patch": "replace"}, {"ip": "10.0.0.2"}],
        "reason": None,
        "conditions": [{"type": "Ready", "status": "True", "reason": None, "message": None}],
    }
    assert status_manager.patch({}, new)["podIPs"] == [{"ip": "10.0.0.2"}]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"phase": "x"}, True),
        ({"phase": "x", "nominatedNodeName": "n"}, {"phase": "x"}, False),
        ({"phase": "x", "podIP": "1"}, {"phase": "x"}, True),
    ],
)
def test_differs(old: Object, new: Object, expected: bool) -> None:
    assert status_manager.differs(old, new) is expected


async def test_a_pod_that_is_said_not_to_be_ready_by_others_is_reported_again() -> None:
    world = World()

    def status(ready: str, since: str) -> Object:
        condition = {"type": "Ready", "status": ready, "lastTransitionTime": since}
        return {"phase": "Running", "conditions": [condition]}

    ours = status("True", "2026-01-02T00:00:00Z")
    world.manager.set(world.pod, ours)
    await world.manager.flush("u1")
    stale = {**world.pod, "status": status("False", "2026-01-01T00:00:00Z")}
    world.manager.set(stale, ours)
    await world.manager.flush("u1")
    assert len(world.api.writes) == 1, "an event from before our own write says nothing"
    overruled = world.api.put(
        resources.PODS, {**world.pod, "status": status("False", "2026-01-03T00:00:00Z")}
    )
    world.manager.set(overruled, ours)
    await world.manager.flush("u1")
    assert world.stored["conditions"][0]["status"] == "True"
    assert len(world.api.writes) == 2
