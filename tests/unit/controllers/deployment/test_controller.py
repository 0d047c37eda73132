"""The loop of the Deployments against an API that refuses and is ahead of the cache."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.client import informer
from strongroom.client.event_recorder import EventRecorder
from strongroom.controllers import ownership, workload_cache
from strongroom.controllers.deployment.controller import DeploymentController
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.testing import controllers, fake_api

LABELS = {"app": "web"}


def is_creation(call: fake_api.Call) -> bool:
    return call.method == "POST" and call.path == resources.REPLICA_SETS.path("n")


class World(controllers.World):
    """A Deployment `web`."""

    def start(self) -> None:
        deployments, sets = self._reduced(resources.DEPLOYMENTS), self._reduced(resources.REPLICA_SETS)
        recorder = EventRecorder(self.client, "deployment-controller", "", self.clock)
        self.spawn(recorder)
        pods = self.informer(resources.PODS)
        self.spawn(DeploymentController(self.client, deployments, sets, pods, recorder, self.clock))

    def _reduced(self, resource: Resource) -> informer.Informer:
        made = informer.Informer(self.client, resource, reduce=workload_cache.reduce, clock=self.clock)
        self.tasks.spawn(resource.plural, made.run())
        return made

    def deployment(self, image: str = "i", **metadata: Any) -> Object:
        template = {
            "metadata": {"labels": LABELS},
            "spec": {"containers": [{"name": "c", "image": image}]},
        }
        spec = {
            "replicas": 2,
            "selector": {"matchLabels": LABELS},
            "template": template,
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "progressDeadlineSeconds": 600,
        }
        named = {"name": "web", "namespace": "n", "generation": 1, **metadata}
        return self.api.put(resources.DEPLOYMENTS, {"metadata": named, "spec": spec})

    def progress(self) -> Object:
        found = self.api.get(resources.DEPLOYMENTS, "web", "n")
        assert found is not None
        told = found["status"]["conditions"]
        return next((each for each in told if each["type"] == "Progressing"), {})

    def sets(self) -> list[Object]:
        found = [
            self.api.get(resources.REPLICA_SETS, name, "n")
            for name in self.api.names(resources.REPLICA_SETS, "n")
        ]
        return [each for each in found if each is not None]

    def events(self) -> list[tuple[str, str, str]]:
        found = (self.api.get(resources.EVENTS, name, "n") for name in self.api.names(resources.EVENTS, "n"))
        return [(each["type"], each["reason"], each["message"]) for each in found if each is not None]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        world.namespace("n")
        yield world


async def test_a_replica_set_is_made_once_and_told(world: World) -> None:
    world.deployment()
    world.start()
    await world.settle()
    (made,) = world.sets()
    name = made["metadata"]["name"]
    assert sum(map(is_creation, world.api.calls)) == 1
    assert world.events() == [("Normal", "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to 2")]


async def test_a_refused_creation_is_told_in_event_and_condition(world: World) -> None:
    def refuse(call: fake_api.Call) -> None:
        if is_creation(call):
            raise status.forbidden(resources.REPLICA_SETS, "x", "no")

    world.api.fail = refuse
    world.deployment()
    world.start()
    await world.settle()
    (event,) = world.events()
    assert event[:2] == ("Warning", "ReplicaSetCreateError")
    assert event[2].endswith('replicasets.apps "x" is forbidden: no')
    told = world.progress()
    assert (told["status"], told["reason"], told["message"]) == ("False", "ReplicaSetCreateError", event[2])


async def test_a_namespace_that_ends_is_left_in_peace(world: World) -> None:
    def ending(call: fake_api.Call) -> None:
        if is_creation(call):
            cause = status.Cause("NamespaceTerminating", "it ends")
            raise status.forbidden(resources.REPLICA_SETS, "x", "it ends", [cause])

    world.api.fail = ending
    world.deployment()
    world.start()
    await world.settle()
    assert world.events() == []
    assert sum(map(is_creation, world.api.calls)) == 1


async def test_nothing_is_made_of_a_template_that_was_not_decided_on(world: World) -> None:
    """The cache was behind: the template that the API has by now is another."""
    world.deployment("old")

    def ahead(call: fake_api.Call) -> None:
        if call.method == "GET" and call.path == resources.DEPLOYMENTS.path("n", "web"):
            world.api.fail = None
            world.deployment("new")

    world.api.fail = ahead
    world.start()
    await world.settle()
    images = [each["spec"]["template"]["spec"]["containers"][0]["image"] for each in world.sets()]
    assert images == ["new"]


async def test_a_replica_set_of_another_deployment_keeps_its_name_and_its_pods(world: World) -> None:
    world.deployment()
    world.start()
    await world.settle()
    (made,) = world.sets()
    world.api.remove(resources.DEPLOYMENTS, "web", "n")
    await world.settle()
    world.deployment(uid="another")
    await world.settle()
    found = world.api.get(resources.DEPLOYMENTS, "web", "n")
    assert found is not None
    assert found["status"]["collisionCount"] == 1
    kept = world.api.get(resources.REPLICA_SETS, made["metadata"]["name"], "n")
    assert kept is not None
    owner = ownership.controller_of(kept)
    assert owner is not None
    assert owner.uid != "another"
