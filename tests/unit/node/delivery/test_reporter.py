"""Receipts reach the API: late enough to come together, once each, and again after a failure."""

import asyncio
import logging

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.api.core.v1.pod.secret_uses import VOLUME, Use
from strongroom.client.rest import Client
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError
from strongroom.node.delivery.receipt import Delivery
from strongroom.node.delivery.reporter import SETTLE, Reporter
from strongroom.testing.fake_api import Call, FakeAPI

POD: Object = {"kind": "Pod", "metadata": {"name": "p", "namespace": "ns", "uid": "u1"}}
USE = Use("db", "c", VOLUME, "v")


class World:
    def __init__(self, api: FakeAPI | None = None) -> None:
        self.api = api or FakeAPI([resources.SECRET_DELIVERIES])
        self.tasks = TaskGroup("test")
        self.clock = FakeClock()
        self.slept: list[float] = []
        self.reporter = Reporter(Client(self.api, "t"), self.tasks, self.clock, "n1", sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def tell(self, version: str | None, pod: Object = POD) -> None:
        self.reporter.set(pod, [Delivery(USE, version)])
        await self.reporter.flush(pod["metadata"]["uid"])

    def fail(self, times: int, error: StatusError) -> None:
        """The next requests are answered so."""
        answers = [error] * times

        def answer(_: Call) -> None:
            if answers:
                raise answers.pop()

        self.api.fail = answer

    @property
    def stored(self) -> Object | None:
        return self.api.get(resources.SECRET_DELIVERIES, "p", "ns")

    @property
    def version(self) -> str:
        (item,) = (self.stored or {})["deliveries"]
        return str(item.get("resourceVersion", ""))


async def test_a_receipt_has_the_pods_name_and_belongs_to_it() -> None:
    world = World()
    await world.tell("7")
    stored = world.stored
    assert stored is not None
    assert (stored["podUID"], stored["nodeName"], world.version) == ("u1", "n1", "7")
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u1"}
    assert stored["metadata"]["ownerReferences"] == [owner]
    assert world.slept == [SETTLE]


async def test_what_was_told_is_not_told_again() -> None:
    world = World()
    await world.tell("7")
    await world.tell("7")
    assert len(world.api.writes) == 1


async def test_changes_that_come_together_are_told_once() -> None:
    world = World()
    for version in ("5", "6", "7"):
        world.reporter.set(POD, [Delivery(USE, version)])
    await world.reporter.flush("u1")
    assert len(world.api.writes) == 1
    assert world.version == "7"


async def test_pods_without_secrets_cost_nothing() -> None:
    world = World()
    world.reporter.set(POD, [])
    await world.reporter.flush("u1")
    assert world.api.calls == []


async def test_an_agent_that_starts_goes_on_from_the_receipt_that_is_there() -> None:
    first = World()
    await first.tell("7")
    second = World(first.api)
    second.clock.advance(3600)
    await second.tell(None)
    assert len(first.api.writes) == 1
    (item,) = (second.stored or {})["deliveries"]
    assert item["resourceVersion"] == "7"
    await second.tell("7")
    assert len(first.api.writes) == 1


async def test_a_receipt_of_an_earlier_pod_of_that_name_says_nothing() -> None:
    world = World()
    await world.tell("7")
    later = {**POD, "metadata": {**POD["metadata"], "uid": "u2"}}
    await world.tell(None, later)
    stored = world.stored
    assert stored is not None
    assert (stored["podUID"], world.version) == ("u2", "")


async def test_a_failure_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.fail(3, StatusError(503, "ServiceUnavailable", "not now"))
    with caplog.at_level(logging.CRITICAL):
        await world.tell("7")
    assert world.version == "7"
    assert len(world.slept) == 4


async def test_a_refusal_is_not_tried_again_until_there_is_something_new() -> None:
    world = World()
    refusal = status.forbidden(resources.SECRET_DELIVERIES, "p", "no relationship found")
    world.fail(1, refusal)
    await world.tell("7")
    assert world.stored is None
    await world.tell("8")
    assert world.version == "8"


async def test_a_pod_that_is_gone_is_left_alone() -> None:
    world = World()
    world.fail(100, StatusError(503, "ServiceUnavailable", "not now"))
    world.reporter.set(POD, [Delivery(USE, "7")])
    world.reporter.forget("u1")
    while len(world.tasks):  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert world.stored is None


async def test_cancelled_twice_it_ends() -> None:
    world = World()
    world.reporter.set(POD, [Delivery(USE, "7")])
    await asyncio.gather(world.tasks.aclose(), world.tasks.aclose())
    assert not len(world.tasks)


async def test_no_receipt_is_begun_while_files_are_written() -> None:
    world = World()
    with world.reporter.held():
        world.reporter.set(POD, [Delivery(USE, "1")])
        for _ in range(50):
            await asyncio.sleep(0)
        assert world.stored is None
    await world.reporter.flush("u1")
    assert world.version == "1"
    await world.tasks.aclose()
