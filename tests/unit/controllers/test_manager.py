"""All controllers run together, each as itself."""

import asyncio

from strongroom.api import resources
from strongroom.client import rest
from strongroom.controllers import manager
from strongroom.controllers.restart.seal import SealingKey
from strongroom.testing import controllers


async def test_a_new_namespace_and_a_pod_get_what_they_need_from_whom_they_should() -> None:
    async with controllers.World() as world:
        made: list[str] = []

        def client_for(component: str) -> rest.Client:
            made.append(component)
            return rest.Client(world.api, component)

        ready = {"type": "Ready", "status": "True"}
        status = {"allocatable": {"pods": "10"}, "conditions": [ready]}
        world.api.put(resources.NODES, {"metadata": {"name": "a"}, "status": status})
        before = asyncio.all_tasks()
        task = world.spawn(
            manager.Manager(client_for, controllers.CORE, "PEM", str, SealingKey(bytes(32)), world.clock)
        )
        world.namespace("n")
        world.api.put(resources.PODS, {"metadata": {"name": "p", "namespace": "n"}, "spec": {}})
        await world.settle()
        assert sorted(made) == sorted([*manager.SEPARATE, "kube-controller-manager", "kube-scheduler"])
        writers = {
            call.path.removeprefix("/api/v1/"): call.headers["user-agent"] for call in world.api.writes
        }
        assert writers == {
            "namespaces/n/serviceaccounts": "kube-controller-manager",
            "namespaces/n/configmaps": "kube-controller-manager",
            "nodes/a": "kube-controller-manager",
            "namespaces/n/pods/p/binding": "kube-scheduler",
            "namespaces/n/events": "kube-scheduler",
        }
        world.api.remove(resources.PODS, "p", "n")
        await world.client.delete(resources.NAMESPACES, "n")
        await world.settle()
        assert world.api.get(resources.NAMESPACES, "n") is None
        await controllers.cancel_twice(task)
        await world.settle()
        assert asyncio.all_tasks() == before


async def test_nothing_is_asked_while_nothing_happens() -> None:
    async with controllers.World() as world:
        world.spawn(
            manager.Manager(
                lambda name: rest.Client(world.api, name),
                controllers.CORE,
                "PEM",
                str,
                SealingKey(bytes(32)),
                world.clock,
            )
        )
        world.namespace("n")
        await world.settle()
        before = len(world.api.calls)
        world.clock.advance(3600)
        await world.settle()
        assert len(world.api.calls) == before
        loop = asyncio.get_running_loop()
        assert not [t for t in getattr(loop, "_scheduled", ()) if not t.cancelled()], "no timer is set"
