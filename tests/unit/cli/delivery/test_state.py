"""Reading and waiting, over a fake API."""

import asyncio

import pytest

from strongroom.api import resources
from strongroom.cli.delivery import state
from strongroom.cli.delivery.holders import Holder, State
from strongroom.client.rest import Client
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.status import StatusError
from strongroom.testing.fake_api import Call, FakeAPI

KINDS = [resources.SECRETS, resources.PODS, resources.NODES, resources.SECRET_DELIVERIES]


class World:
    def __init__(self, kinds: list[Resource] = KINDS) -> None:
        self.api = FakeAPI(kinds)
        self.client = Client(self.api, "test")
        ready = [{"type": "Ready", "status": "True"}]
        self.api.put(resources.NODES, {"metadata": {"name": "n1"}, "status": {"conditions": ready}})

    def secret(self) -> str:
        made = self.api.put(resources.SECRETS, {"metadata": {"name": "db", "namespace": "ns"}})
        return str(made["metadata"]["resourceVersion"])

    def pod(self) -> None:
        container = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        volumes = [{"name": "v", "secret": {"secretName": "db"}}]
        spec = {"nodeName": "n1", "containers": [container], "volumes": volumes}
        metadata = {"name": "p", "namespace": "ns", "uid": "u"}
        self.api.put(resources.PODS, {"metadata": metadata, "spec": spec})

    def deliver(self, version: str) -> None:
        delivery = {"secret": "db", "container": "c", "way": "Volume", "volume": "v"}
        receipt: Object = {"metadata": {"name": "p", "namespace": "ns"}, "podUID": "u"}
        self.api.put(
            resources.SECRET_DELIVERIES, {**receipt, "deliveries": [{**delivery, "resourceVersion": version}]}
        )


async def test_waiting_ends_with_the_receipt_that_was_waited_for() -> None:
    world = World()
    world.pod()
    old = world.secret()
    world.deliver(old)
    new = world.secret()
    seen = []

    def progress(late: list[Holder]) -> None:
        seen.append([holder.version for holder in late])
        if len(seen) == 1:
            asyncio.get_running_loop().call_soon(world.deliver, new)

    async with asyncio.timeout(5):
        newest, (holder,) = await state.wait(world.client, "ns", "db", 60, files_only=True, progress=progress)
    assert (newest, holder.version, holder.state) == (new, new, State.CURRENT)
    assert seen[0] == [old]


async def test_waiting_ends_with_the_time() -> None:
    world = World()
    world.pod()
    world.deliver(world.secret())
    world.secret()
    _, (holder,) = await state.wait(world.client, "ns", "db", 0.05, files_only=True)
    assert holder.state is State.PENDING


async def test_nothing_to_wait_for_is_no_wait() -> None:
    world = World()
    newest = world.secret()
    assert await state.wait(world.client, "ns", "db", 60, files_only=True) == (newest, [])


async def test_a_secret_that_is_not_there_and_nowhere_held_is_an_error() -> None:
    world = World()
    world.pod()
    with pytest.raises(StatusError, match='secrets "db" not found'):
        await state.read(world.client, "ns", "db")
    world.deliver("7")
    newest, (holder,) = await state.read(world.client, "ns", "db")
    assert (newest, holder.state, holder.version) == ("", State.STALE, "7")


async def test_an_api_without_receipts_is_told_apart() -> None:
    world = World([resources.SECRETS, resources.PODS, resources.NODES])
    world.secret()
    with pytest.raises(state.NoReceiptsError):
        await state.read(world.client, "ns", "db")


async def test_who_may_not_see_nodes_sees_the_rest() -> None:
    world = World()
    world.pod()
    world.deliver(world.secret())

    def refuse(call: Call) -> None:
        if call.path.endswith("/nodes"):
            raise status.forbidden(resources.NODES, "", "no")

    world.api.fail = refuse
    _, (holder,) = await state.read(world.client, "ns", "db")
    assert holder.state is State.CURRENT


async def test_only_metadata_of_the_secret_is_asked_for() -> None:
    world = World()
    world.secret()
    await state.read(world.client, "ns", "db")
    (asked,) = [call for call in world.api.calls if "/secrets" in call.path]
    assert "PartialObjectMetadata" in asked.headers["accept"]
