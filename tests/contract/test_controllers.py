"""The controllers with the real server, each with no more rights than its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from strongroom.aio import clock, tasks
from strongroom.api import resources, scheme
from strongroom.client import rest
from strongroom.controllers import manager
from strongroom.controllers.restart.seal import SealingKey
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.testing import api_server, managed


class World:
    def __init__(self, server: api_server.APIServer) -> None:
        self.client = rest.Client(server.transport(), "test")
        self.manager = manager.Manager(
            lambda component: rest.Client(server.transport(managed.TOKENS[component]), component),
            tuple(scheme.STRATEGIES),
            "PEM",
            lambda about: "token",
            SealingKey(bytes(32)),
            clock.SystemClock(),
        )

    async def namespace(self, name: str) -> None:
        namespace = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}
        await self.client.create(resources.NAMESPACES, namespace)
        await _until(lambda: self.client.get(resources.SERVICE_ACCOUNTS, "default", name))

    async def node(self, name: str) -> None:
        ready = {"type": "Ready", "status": "True"}
        allocatable = {"cpu": "2", "memory": "4Gi", "pods": "110"}
        node = {
            "kind": "Node",
            "apiVersion": "v1",
            "metadata": {"name": name},
            "status": {"allocatable": allocatable, "capacity": allocatable, "conditions": [ready]},
        }
        await self.client.create(resources.NODES, node)

    async def pod(self, name: str, namespace: str = "default") -> None:
        spec = {"containers": [{"name": "c", "image": "i"}]}
        pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name}, "spec": spec}
        await self.client.create(resources.PODS, pod, namespace)

    async def events(self, reason: str, namespace: str = "default") -> list[Object]:
        found = await self.client.list(resources.EVENTS, namespace, field_selector=f"reason={reason}")
        return found.items


async def _until(attempt: Callable[[], Awaitable[object]]) -> None:
    """Until `attempt` gives something true, and no 404."""
    async with asyncio.timeout(10):
        while True:
            try:
                if await attempt():
                    return
            except status.StatusError as error:
                if error.code != 404:
                    raise
            await asyncio.sleep(0.002)


async def _until_gone(world: World, name: str) -> None:
    async def gone() -> bool:
        return all(
            n["metadata"]["name"] != name for n in (await world.client.list(resources.NAMESPACES)).items
        )

    await _until(gone)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_server.running() as server, tasks.TaskGroup("test") as group:
        world = World(server)
        group.spawn("manager", world.manager.run())
        await _until(lambda: world.client.get(resources.SERVICE_ACCOUNTS, "default", "default"))
        yield world
        assert not group.failed.is_set()


async def test_every_namespace_gets_its_account_and_the_ca(world: World) -> None:
    await world.namespace("n")
    for name in ("n", "default", "kube-system"):
        await _until(lambda name=name: world.client.get(resources.CONFIG_MAPS, "kube-root-ca.crt", name))  # type: ignore[misc]
        published = await world.client.get(resources.CONFIG_MAPS, "kube-root-ca.crt", name)
        assert published["data"] == {"ca.crt": "PEM"}
    await world.client.delete(resources.SERVICE_ACCOUNTS, "default", "n")
    await _until(lambda: world.client.get(resources.SERVICE_ACCOUNTS, "default", "n"))


async def test_a_pod_is_bound_and_told(world: World) -> None:
    await world.node("node-1")
    await world.pod("p")

    async def bound() -> object:
        return (await world.client.get(resources.PODS, "p", "default"))["spec"].get("nodeName")

    await _until(bound)
    await _until(lambda: world.events("Scheduled"))
    (event,) = await world.events("Scheduled")
    assert event["message"] == "Successfully assigned default/p to node-1"
    assert event["source"] == {"component": "default-scheduler"}


async def test_a_pod_without_a_node_says_so_until_one_comes(world: World) -> None:
    await world.pod("p")
    await _until(lambda: world.events("FailedScheduling"))

    async def condition() -> Object | None:
        pod = await world.client.get(resources.PODS, "p", "default")
        found = {c["type"]: c for c in pod["status"].get("conditions") or ()}
        return found.get("PodScheduled")

    await _until(condition)
    said = await condition()
    assert said is not None
    assert (said["status"], said["reason"]) == ("False", "Unschedulable")
    assert said["message"] == "no nodes available to schedule pods"
    await world.node("node-1")

    async def bound() -> bool:
        found = await condition()
        return found is not None and found["status"] == "True"

    await _until(bound)


async def test_a_namespace_is_emptied_and_goes(world: World) -> None:
    await world.namespace("n")
    for name in ("a", "b"):
        secret = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": name}, "type": "Opaque"}
        await world.client.create(resources.SECRETS, secret, "n")
    await world.pod("p", "n")
    await _until(lambda: world.events("FailedScheduling", "n"))
    await world.client.delete(resources.NAMESPACES, "n")
    await _until_gone(world, "n")
    for resource in scheme.STRATEGIES:
        if resource.namespaced:
            assert (await world.client.list(resource, "n")).items == []


async def test_a_namespace_waits_for_a_pod_that_stops_and_says_so(world: World) -> None:
    await world.node("node-1")
    await world.namespace("n")
    await world.pod("p", "n")
    await _until(lambda: world.events("Scheduled", "n"))
    await world.client.delete(resources.NAMESPACES, "n")

    async def remaining() -> object:
        namespace = await world.client.get(resources.NAMESPACES, "n")
        conditions = {c["type"]: c for c in namespace["status"].get("conditions") or ()}
        return conditions.get("NamespaceContentRemaining")

    await _until(remaining)
    await world.client.delete(resources.PODS, "p", "n", grace_period_seconds=0)
    await _until_gone(world, "n")
