"""The rules follow the Services; the same rules are not applied twice."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.machinery.gvk import Object
from strongroom.node.service_proxy.proxy import ServiceProxy
from strongroom.node.service_proxy.rules import Place
from strongroom.testing.fake_api import FakeAPI


def service(ip: str, **labels: str) -> Object:
    metadata = {"name": "s", "namespace": "ns", "labels": labels}
    ports = [{"port": 80}]
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": metadata,
        "spec": {"clusterIP": ip, "ports": ports},
    }


def slices(address: str) -> Object:
    return {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {"name": "s-1", "namespace": "ns", "labels": {"kubernetes.io/service-name": "s"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]}],
        "ports": [{"port": 8080}],
    }


class World:
    def __init__(self) -> None:
        self.api = FakeAPI([resources.SERVICES, resources.ENDPOINT_SLICES])
        self.applied: list[str] = []
        self.failures = 0
        self.slept: list[float] = []
        client = Client(self.api, "test")
        self.services = Informer(client, resources.SERVICES)
        self.proxy = ServiceProxy(client, self.services, Place("t"), self.apply, sleep=self.sleep)
        self.tasks = TaskGroup("test")

    async def apply(self, text: str) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("nft: no")
        self.applied.append(text)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def start(self) -> None:
        self.tasks.spawn("services", self.services.run())
        self.tasks.spawn("proxy", self.proxy.run())

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(2):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.tasks.aclose()


async def test_rules_follow_services_and_endpoints(world: World) -> None:
    world.api.put(resources.SERVICES, service("10.96.0.9"))
    world.start()
    await world.until(lambda: len(world.applied) == 1)
    assert "ip daddr 10.96.0.9 tcp dport 80 reject" in world.applied[0]
    world.api.put(resources.ENDPOINT_SLICES, slices("10.0.0.1"))
    await world.until(lambda: len(world.applied) == 2)
    assert "dnat to 10.0.0.1:8080" in world.applied[1]
    # A change that concerns no rule, then one that does.
    world.api.put(resources.SERVICES, service("10.96.0.9", a="b"))
    world.api.put(resources.ENDPOINT_SLICES, slices("10.0.0.2"))
    await world.until(lambda: "10.0.0.2" in world.applied[-1])
    assert len(world.applied) == 3


async def test_a_failure_is_tried_again(world: World) -> None:
    world.failures = 2
    world.start()
    await world.until(lambda: len(world.applied) == 1)
    assert len(world.slept) == 2
