"""Events reach the API in the background, and never hold anybody up."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from strongroom.aio import clock, tasks
from strongroom.client import event_recorder, rest, transport
from strongroom.machinery import gvk, status
from strongroom.testing import fake_api

EVENTS = gvk.Resource("", "v1", "events", "Event")
POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "n", "uid": "u"}}


class World:
    def __init__(self) -> None:
        self.api = fake_api.FakeAPI([EVENTS])
        self.clock = clock.FakeClock()
        self.slept: list[float] = []
        self.recorder = event_recorder.EventRecorder(
            rest.Client(self.api, "test"), "kubelet", "node-1", self.clock, sleep=self.sleep
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def say(self, message: str = "m", obj: gvk.Object = POD) -> None:
        self.recorder.event(obj, "Normal", "Created", message, "spec.containers{c}")

    def stored(self) -> list[gvk.Object]:
        events = [self.api.get(EVENTS, name, "n") for name in self.api.names(EVENTS, "n")]
        return [event for event in events if event is not None]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def running(world: World) -> AsyncIterator[None]:
    async with tasks.TaskGroup("test") as group:
        group.spawn("recorder", world.recorder.run())
        yield


@pytest.mark.usefixtures("running")
async def test_an_event_is_stored(world: World) -> None:
    world.say("Container created")
    await world.recorder.flush()
    (event,) = world.stored()
    assert event["message"] == "Container created"
    assert event["involvedObject"]["fieldPath"] == "spec.containers{c}"
    assert event["involvedObject"]["uid"] == "u"


@pytest.mark.usefixtures("running")
async def test_repeats_patch_the_count(world: World) -> None:
    for _ in range(3):
        world.say()
    await world.recorder.flush()
    assert [event["count"] for event in world.stored()] == [3]
    assert [call.method for call in world.api.calls] == ["POST", "PATCH", "PATCH"]


@pytest.mark.usefixtures("running")
async def test_a_counted_event_that_is_gone_is_made_anew(world: World) -> None:
    world.say()
    await world.recorder.flush()
    world.api.remove(EVENTS, world.api.names(EVENTS, "n")[0], "n")
    world.say()
    await world.recorder.flush()
    assert [event["count"] for event in world.stored()] == [2]


@pytest.mark.usefixtures("running")
async def test_events_of_one_instant_have_names_of_their_own(world: World) -> None:
    for n in range(5):
        world.say(f"m{n}")
    await world.recorder.flush()
    assert len(world.stored()) == 5


async def test_reporting_never_waits_and_a_full_queue_drops(world: World) -> None:
    for n in range(1200):
        world.say(f"m{n}")
    assert world.recorder.dropped == 200


@pytest.mark.usefixtures("running")
async def test_more_than_a_burst_is_sent_at_the_rate(world: World) -> None:
    for n in range(150):
        pod = {**POD, "metadata": {"name": f"p{n}", "namespace": "n", "uid": f"u{n}"}}
        world.say(obj=pod)
    await world.recorder.flush()
    assert len(world.stored()) == 150
    assert len(world.slept) == 50
    assert world.slept[-1] == pytest.approx(1.0)


@pytest.mark.usefixtures("running")
async def test_a_server_that_is_away_is_tried_again(world: World) -> None:
    failures = iter([transport.ConnectionFailed("cut"), status.internal_error("x")])

    def fail(call: fake_api.Call) -> None:
        if (error := next(failures, None)) is not None:
            raise error

    world.api.fail = fail
    world.say()
    await world.recorder.flush()
    assert len(world.stored()) == 1
    assert len(world.slept) == 2


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (status.forbidden(EVENTS, "", "no"), 1),
        (transport.ConnectionFailed("cut"), 5),
        (TypeError("not as promised"), 1),
    ],
)
async def test_an_event_that_cannot_be_stored_is_dropped(world: World, error: Exception, tries: int) -> None:
    def fail(call: fake_api.Call) -> None:
        raise error

    world.api.fail = fail
    world.say()
    await world.recorder.flush()
    assert (len(world.api.calls), world.recorder.dropped) == (tries, 1)
    world.api.fail = None
    world.say()
    await world.recorder.flush()
    assert [event["count"] for event in world.stored()] == [1]


async def test_it_can_be_cancelled_twice(world: World) -> None:
    async with tasks.TaskGroup("test") as group:
        task = group.spawn("recorder", world.recorder.run())
        world.say()
        await world.recorder.flush()
        task.cancel()
        task.cancel()
        await asyncio.wait((task,))
    assert task.cancelled()
