"""One of several candidates leads, and the next takes over when it is gone."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.response import ConnectionFailed
from strongroom.client.rest import Client
from strongroom.controllers.leader_election import LeaderElection
from strongroom.testing.fake_api import Call, FakeAPI


class World:
    def __init__(self) -> None:
        self.api = FakeAPI([resources.LEASES])
        self.clock = FakeClock()
        self.tasks = TaskGroup("test")
        self.running: list[str] = []
        self.sleepers: list[asyncio.Future[None]] = []

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleepers.append(future)
        await future

    async def advance(self, seconds: float) -> None:
        """All who sleep wake up after `seconds`."""
        self.clock.advance(seconds)
        sleepers, self.sleepers = self.sleepers, []
        for sleeper in sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        for _ in range(50):
            await asyncio.sleep(0)

    def candidate(self, identity: str) -> tuple[LeaderElection, "asyncio.Task[None]"]:
        election = LeaderElection(Client(self.api, identity), "c", identity, self.clock, self.sleep)

        async def run() -> None:
            self.running.append(identity)
            try:
                await asyncio.Event().wait()
            finally:
                self.running.remove(identity)

        return election, self.tasks.spawn(identity, election.lead(run))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(2):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.tasks.aclose()


async def test_one_leads_and_stays(world: World) -> None:
    world.candidate("a")
    await world.until(lambda: world.running == ["a"])
    world.candidate("b")
    for _ in range(20):
        await world.advance(2.0)
        assert world.running == ["a"]
    lease = world.api.get(resources.LEASES, "c", "kube-system")
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == "a"
    assert lease["spec"]["leaseTransitions"] == 0


async def test_another_takes_over_when_the_holder_is_gone(world: World) -> None:
    _, first = world.candidate("a")
    await world.until(lambda: world.running == ["a"])
    world.candidate("b")
    await world.advance(2.0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    waited = 0
    while not world.running:
        await world.advance(2.0)
        waited += 2
    assert world.running == ["b"]
    assert 14 <= waited <= 18
    lease = world.api.get(resources.LEASES, "c", "kube-system")
    assert lease is not None
    assert lease["spec"]["leaseTransitions"] == 1


async def test_a_lease_that_is_given_up_is_free_at_once(world: World) -> None:
    election, first = world.candidate("a")
    await world.until(lambda: world.running == ["a"])
    world.candidate("b")
    await world.advance(2.0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await election.release()
    await world.advance(2.0)
    await world.until(lambda: world.running == ["b"])


async def test_who_can_not_renew_stops_before_another_may_begin(world: World) -> None:
    world.candidate("a")
    await world.until(lambda: world.running == ["a"])

    def refuse(_: Call) -> None:
        raise ConnectionFailed("away")

    world.api.fail = refuse
    await world.advance(9.0)
    assert world.running == ["a"]
    await world.advance(2.0)
    assert world.running == []
