"""A node's subnet: wished for, waited for, and taken as given."""

import asyncio
import ipaddress

from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.node import registration
from strongroom.testing.fake_api import FakeAPI

WISH = ipaddress.IPv4Network("10.70.3.0/24")
GIVEN = {"podCIDR": "10.64.0.0/24", "podCIDRs": ["10.64.0.0/24"]}


async def test_it_is_wished_for_and_waited_for() -> None:
    api = FakeAPI([resources.NODES])
    async with TaskGroup("test") as group:
        asked = group.spawn("ask", registration.pod_cidr(Client(api, "test"), "n1", WISH))
        while (node := api.get(resources.NODES, "n1")) is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert node["metadata"]["annotations"] == {"strongroom.dev/pod-network": str(WISH)}
        assert not asked.done()
        api.put(resources.NODES, {**node, "spec": GIVEN})
        assert await asyncio.wait_for(asked, 5) == ipaddress.IPv4Network("10.64.0.0/24")


async def test_a_node_that_is_there_says_its_wish_too() -> None:
    api = FakeAPI([resources.NODES])
    api.put(resources.NODES, {"metadata": {"name": "n1", "annotations": {"own": "kept"}}})
    async with TaskGroup("test") as group:
        group.spawn("ask", registration.pod_cidr(Client(api, "test"), "n1", WISH))
        while not api.writes:  # noqa: ASYNC110
            await asyncio.sleep(0)
        node = api.get(resources.NODES, "n1")
        assert node is not None
        assert node["metadata"]["annotations"] == {"own": "kept", "strongroom.dev/pod-network": str(WISH)}


async def test_what_a_node_has_it_keeps() -> None:
    api = FakeAPI([resources.NODES])
    api.put(resources.NODES, {"metadata": {"name": "n1"}, "spec": GIVEN})
    assert await registration.pod_cidr(Client(api, "test"), "n1", WISH) == ipaddress.IPv4Network(
        "10.64.0.0/24"
    )
    assert not api.writes
