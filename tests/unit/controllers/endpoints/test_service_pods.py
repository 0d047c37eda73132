"""Most changes of a Pod concern no Service."""

import copy

from strongroom.api import resources
from strongroom.controllers.endpoints.service_pods import ServicePods
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers


def _pod(**status: object) -> Object:
    metadata = {"name": "p", "namespace": "n", "labels": {"app": "web"}}
    return {"metadata": metadata, "spec": {}, "status": {"podIP": "10.0.0.1", **status}}


def _service(name: str, **selector: str) -> Object:
    return {"metadata": {"name": name, "namespace": "n"}, "spec": {"selector": selector}}


async def test_a_service_hears_of_its_pods_when_something_matters() -> None:
    async with controllers.World() as world:
        followed = ServicePods(world.informer(resources.SERVICES), world.informer(resources.PODS))
        told: list[str] = []
        followed.subscribe(told.append)
        for service in (_service("web", app="web"), _service("other", app="other"), _service("none")):
            world.api.put(resources.SERVICES, service)
        world.api.put(resources.PODS, _pod())
        await world.settle()
        assert sorted(told) == ["n/none", "n/other", "n/web", "n/web"]
        told.clear()
        world.api.put(resources.PODS, _pod(startTime="later"))
        await world.settle()
        assert told == []
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        world.api.put(resources.PODS, _pod(conditions=[ready]))
        await world.settle()
        assert told == ["n/web"]
        told.clear()
        moved = copy.deepcopy(_pod())
        moved["metadata"]["labels"] = {"app": "other"}
        world.api.put(resources.PODS, moved)
        await world.settle()
        assert sorted(told) == ["n/other", "n/web"]
        told.clear()
        world.api.remove(resources.PODS, "p", "n")
        await world.settle()
        assert told == ["n/other"]
