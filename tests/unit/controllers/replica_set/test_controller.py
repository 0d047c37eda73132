"""The loop of the ReplicaSets against an API that lags, refuses and loses races."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.client import informer
from strongroom.client.event_recorder import EventRecorder
from strongroom.controllers import expectations, workload_cache
from strongroom.controllers.replica_set.controller import ReplicaSetController
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.testing import controllers, fake_api

LABELS = {"app": "web"}


class World(controllers.World):
    """A ReplicaSet `web`; creations of Pods that are refused are counted."""

    def start(self) -> None:
        sets = informer.Informer(
            self.client, resources.REPLICA_SETS, reduce=workload_cache.reduce, clock=self.clock
        )
        self.tasks.spawn("sets", sets.run())
        pods = self.informer(resources.PODS)
        recorder = EventRecorder(self.client, "replicaset-controller", "", self.clock)
        self.spawn(recorder)
        self.spawn(ReplicaSetController(self.client, sets, pods, recorder, self.clock))

    def replica_set(self, replicas: int, **metadata: Any) -> Object:
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c"}]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
        named = {"name": "web", "namespace": "n", "generation": 1, **metadata}
        return self.api.put(resources.REPLICA_SETS, {"metadata": named, "spec": spec})

    def status(self) -> Object:
        found = self.api.get(resources.REPLICA_SETS, "web", "n")
        assert found is not None
        return dict(found.get("status") or {})

    def pods(self) -> list[str]:
        return self.api.names(resources.PODS, "n")

    def calls(self, method: str, resource: Resource = resources.PODS) -> int:
        path = resource.path("n")
        return sum(call.method == method and call.path.startswith(path) for call in self.api.calls)

    def events(self) -> list[tuple[str, str]]:
        found = (self.api.get(resources.EVENTS, name, "n") for name in self.api.names(resources.EVENTS, "n"))
        return [(each["reason"], each["message"]) for each in found if each is not None]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        world.namespace("n")
        yield world


async def test_pods_are_made_told_and_counted(world: World) -> None:
    world.replica_set(3)
    world.start()
    await world.settle()
    assert world.pods() == ["web-1", "web-2", "web-3"]
    assert sorted(world.events()) == [("SuccessfulCreate", f"Created pod: web-{n}") for n in (1, 2, 3)]
    assert world.status()["replicas"] == 3
    world.replica_set(1)
    await world.settle()
    assert len(world.pods()) == 1
    assert [reason for reason, _ in world.events()].count("SuccessfulDelete") == 2
    assert world.status()["replicas"] == 1


async def test_what_the_cache_has_not_seen_yet_is_not_made_again(world: World) -> None:
    world.start()
    await world.settle()
    paused = [watch for watch in world.api._watches if watch.target.resource == resources.PODS]
    lines = [watch.lines for watch in paused]
    for watch in paused:  # the watches of Pods fall silent
        watch.lines = type(watch.lines)()
    world.replica_set(3)
    await world.settle()
    assert world.calls("POST") == 3
    world.replica_set(3, annotations={"changed": "yes"})
    await world.settle()
    assert world.calls("POST") == 3
    assert world.status()["replicas"] == 0, "what was seen is what is told"
    world.clock.advance(expectations.PATIENCE + 1)
    world.replica_set(3, annotations={"changed": "again"})
    await world.settle()
    assert world.calls("POST") == 6, "in the end the cache is believed"
    del lines


@pytest.mark.parametrize(("allowed", "tried"), [(0, 1), (1, 3), (4, 7)])
async def test_a_refusal_stops_the_batches(world: World, allowed: int, tried: int) -> None:
    def refuse(call: fake_api.Call) -> None:
        is_creation = call.method == "POST" and call.path == resources.PODS.path("n")
        if is_creation and len(world.pods()) >= allowed:
            raise status.forbidden(resources.PODS, "web-x", "exceeded quota")

    world.api.fail = refuse
    world.replica_set(100)
    world.start()
    await world.settle()
    paths = [f"{call.method} {call.path}" for call in world.api.writes]
    first_attempt = paths[: paths.index("PATCH /apis/apps/v1/namespaces/n/replicasets/web/status")]
    assert first_attempt.count("POST /api/v1/namespaces/n/pods") == tried
    assert len(world.pods()) == allowed
    told = [message for reason, message in world.events() if reason == "FailedCreate"]
    assert told == ['Error creating: pods "web-x" is forbidden: exceeded quota']
    (condition,) = world.status()["conditions"]
    assert (condition["type"], condition["reason"]) == ("ReplicaFailure", "FailedCreate")
    assert condition["message"] == 'pods "web-x" is forbidden: exceeded quota'
    world.api.fail = None
    world.replica_set(allowed)
    await world.settle()
    assert "conditions" not in world.status()


async def test_a_namespace_that_ends_is_left_in_peace(world: World) -> None:
    def ending(call: fake_api.Call) -> None:
        if call.method == "POST" and call.path == resources.PODS.path("n"):
            raise status.forbidden(
                resources.PODS, "p", "it ends", [status.Cause("NamespaceTerminating", "it ends")]
            )

    world.api.fail = ending
    world.replica_set(2)
    world.start()
    await world.settle()
    assert world.events() == []
    assert "conditions" not in world.status()


async def test_a_replica_set_that_is_about_to_go_makes_no_pods(world: World) -> None:
    """Even if the cache does not know of it yet."""
    made = world.replica_set(2)
    other = {**made, "metadata": {**made["metadata"], "uid": "another"}}
    world.start()

    def replaced(call: fake_api.Call) -> None:
        if call.method == "GET" and call.path == resources.REPLICA_SETS.path("n", "web"):
            world.api._objects[resources.REPLICA_SETS][("n", "web")] = other

    world.api.fail = replaced
    await world.settle()
    assert world.calls("POST") == 0


async def test_a_pod_that_is_gone_already_is_no_failure(world: World) -> None:
    world.replica_set(2)
    world.start()
    await world.settle()

    def gone(call: fake_api.Call) -> None:
        if call.method == "DELETE":
            raise status.not_found(resources.PODS, "x")

    world.api.fail = gone
    world.replica_set(1)
    await world.settle()
    assert "FailedDelete" not in dict(world.events())
    assert "conditions" not in world.status()
