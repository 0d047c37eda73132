"""The informer's cache is what the API holds, through cuts, forgotten history and failures."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from strongroom.aio import clock, tasks
from strongroom.client import informer as informers
from strongroom.client import rest, transport
from strongroom.machinery import gvk, status
from strongroom.testing import fake_api

SECRETS = gvk.Resource("", "v1", "secrets", "Secret")


def _secret(name: str, value: str = "dg==") -> gvk.Object:
    return {"metadata": {"name": name, "namespace": "n"}, "data": {"k": value}}


class World:
    """An API, an informer that follows it, and what it told."""

    def __init__(self) -> None:
        self.api = fake_api.FakeAPI([SECRETS])
        self.clock = clock.FakeClock()
        self.slept: list[float] = []
        self.told: list[tuple[str, str]] = []
        self.informer = self.new()
        self.informer.subscribe(self.tell)

    def new(self, field_selector: str = "") -> informers.Informer:
        client = rest.Client(self.api, "test")
        return informers.Informer(
            client, SECRETS, "n", field_selector=field_selector, clock=self.clock, sleep=self.sleep
        )

    def tell(self, kind: str, obj: gvk.Object) -> None:
        self.told.append((kind, obj["metadata"]["name"]))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with tasks.TaskGroup("test") as group:
            group.spawn("informer", self.informer.run())
            await self.informer.has_synced.wait()
            yield

    async def settle(self) -> None:
        """Let the informer take in all that happened."""
        for _ in range(30):
            await asyncio.sleep(0)

    def holds(self) -> bool:
        names = self.api.names(SECRETS, "n")
        return sorted(name for _, name in map(informers.key_of, self.informer.values())) == names and all(
            self.informer.get("n", name) == self.api.get(SECRETS, name, "n") for name in names
        )


@pytest.fixture
def world() -> World:
    return World()


async def test_it_begins_with_what_is_there(world: World) -> None:
    world.api.put(SECRETS, _secret("a"))
    async with world.running():
        assert world.told == [("ADDED", "a")]
        assert world.holds()
        assert len(world.informer) == 1
        assert world.informer.get("n", "b") is None
    assert [call.query.get("sendInitialEvents") for call in world.api.calls] == ["true"]


async def test_it_follows_each_change(world: World) -> None:
    async with world.running():
        world.api.put(SECRETS, _secret("a"))
        world.api.put(SECRETS, _secret("a", "dw=="))
        world.api.remove(SECRETS, "a", "n")
        await world.settle()
        assert world.told == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
        assert world.holds()
        assert world.informer.resource_version == str(world.api.revision)


@pytest.mark.parametrize("end", ["cut", "end_watches"])
async def test_after_a_cut_it_goes_on_where_it_was(world: World, end: str) -> None:
    async with world.running():
        world.api.put(SECRETS, _secret("a"))
        await world.settle()
        getattr(world.api, end)()
        world.api.put(SECRETS, _secret("b"))
        await world.settle()
        assert world.told == [("ADDED", "a"), ("ADDED", "b")]
        assert world.holds()
    assert [call.query.get("resourceVersion") for call in world.api.calls] == [None, "2"]


async def test_a_bookmark_moves_the_place_to_go_on_from(world: World) -> None:
    async with world.running():
        world.api.revision = 90
        world.api.bookmark()
        await world.settle()
        world.api.cut()
        await world.settle()
    assert world.api.calls[-1].query["resourceVersion"] == "90"


async def test_when_history_is_gone_it_fills_anew_and_tells_what_it_missed(world: World) -> None:
    async with world.running():
        for name in ("gone", "kept", "changed", "remade"):
            world.api.put(SECRETS, _secret(name))
        await world.settle()
        world.told.clear()
        world.api.cut()
        world.api.remove(SECRETS, "gone", "n")
        world.api.put(SECRETS, _secret("changed", "dw=="))
        world.api.remove(SECRETS, "remade", "n")
        world.api.put(SECRETS, _secret("remade"))
        world.api.put(SECRETS, _secret("new"))
        world.api.forget()
        await world.settle()
        assert sorted(world.told) == [
            ("ADDED", "new"),
            ("ADDED", "remade"),
            ("DELETED", "gone"),
            ("DELETED", "remade"),
            ("MODIFIED", "changed"),
        ]
        assert world.told.index(("DELETED", "remade")) < world.told.index(("ADDED", "remade"))
        assert world.holds()


async def test_a_server_without_initial_events_is_listed(world: World) -> None:
    world.api.watch_lists = False
    world.api.put(SECRETS, _secret("a"))
    async with world.running():
        world.api.put(SECRETS, _secret("b"))
        await world.settle()
        assert world.holds()
        world.api.cut()
        world.api.forget()
        world.api.put(SECRETS, _secret("c"))
        world.api.forget()
        await world.settle()
        assert world.holds()
    assert sum(call.query.get("sendInitialEvents") == "true" for call in world.api.calls) == 1


async def test_a_server_that_is_away_is_tried_again_after_growing_delays(world: World) -> None:
    async with world.running():
        world.api.put(SECRETS, _secret("a"))
        await world.settle()

        def refuse(call: fake_api.Call) -> None:
            if len(world.slept) < 12:
                raise transport.ConnectionFailed("refused")

        world.api.fail = refuse
        world.api.cut()
        for _ in range(10):
            await world.settle()
        world.api.put(SECRETS, _secret("b"))
        await world.settle()
        assert world.holds()
    assert all(0.025 * 2**n <= delay <= 0.05 * 2**n for n, delay in enumerate(world.slept[:9]))
    assert max(world.slept) <= 30


async def test_a_watch_that_lasted_starts_the_delays_anew(world: World) -> None:
    async with world.running():
        for _ in range(8):
            world.api.cut()
            await world.settle()
        assert world.slept[-1] > 1
        world.clock.advance(60)
        world.api.cut()
        await world.settle()
        assert world.slept[-1] <= 0.05
        before = len(world.slept)
        world.clock.advance(1800)
        world.api.end_watches()
        await world.settle()
        assert len(world.slept) == before, "a watch that ended in its time is renewed at once"
        assert world.api.watchers == 1


async def test_trouble_is_told_once_and_not_with_each_try(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def forbid(call: fake_api.Call) -> None:
        raise status.forbidden(SECRETS, "", "no")

    async with world.running():
        world.api.fail = forbid
        world.api.cut()
        await world.settle()
        assert len(world.slept) > 3
    with caplog.at_level(logging.WARNING):
        assert [r.message for r in caplog.records] == [
            "watch of secrets: the connection was cut",
            "watch of secrets: Forbidden: secrets is forbidden: no",
        ]


async def test_a_late_subscriber_is_told_of_what_is_there(world: World) -> None:
    world.api.put(SECRETS, _secret("a"))
    async with world.running():
        late: list[str] = []
        callback = lambda kind, obj: late.append(kind)  # noqa: E731
        world.informer.subscribe(callback)
        assert late == ["ADDED"]
        world.informer.unsubscribe(callback)
        world.api.put(SECRETS, _secret("b"))
        await world.settle()
        assert late == ["ADDED"]


async def test_a_callback_that_fails_disturbs_nobody_and_shows_no_value(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(kind: str, obj: gvk.Object) -> None:
        raise ValueError(obj["data"]["k"])

    world.informer = world.new()
    world.informer.subscribe(fail)
    world.informer.subscribe(world.tell)
    async with world.running():
        world.api.put(SECRETS, _secret("a", "czNjcmV0"))
        await world.settle()
    assert world.told == [("ADDED", "a")]
    assert "callback for secrets n/a failed: ValueError" in caplog.text
    assert "czNjcmV0" not in caplog.text


async def test_a_selector_narrows_what_is_seen(world: World) -> None:
    world.informer = world.new(field_selector="metadata.name=a")
    world.api.put(SECRETS, _secret("a"))
    world.api.put(SECRETS, _secret("b"))
    async with world.running():
        assert [name for _, name in map(informers.key_of, world.informer.values())] == ["a"]


async def test_it_can_be_cancelled_twice_and_leaves_nothing(world: World) -> None:
    before = asyncio.all_tasks()
    async with tasks.TaskGroup("test") as group:
        task = group.spawn("informer", world.informer.run())
        await world.informer.has_synced.wait()
        task.cancel()
        task.cancel()
        await asyncio.wait((task,))
    assert task.cancelled()
    assert world.api.watchers == 0
    assert asyncio.all_tasks() == before


async def test_an_answer_that_makes_no_sense_is_asked_for_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.running():
        world.api.put(SECRETS, _secret("a"))
        await world.settle()
        for watch in list(world.api._watches):
            watch.lines.put_nowait(b'{"type":"MODIFIED","object":{"data":{"k":"czNjcmV0"}}}\n')
        await world.settle()
        assert world.holds()
        assert world.told == [("ADDED", "a")]
    assert "watch of secrets: KeyError" in caplog.text
    assert "czNjcmV0" not in caplog.text


async def test_a_stream_that_ends_before_the_bookmark_changes_nothing(world: World) -> None:
    world.api.put(SECRETS, _secret("a"))
    tries = 0

    def fail(call: fake_api.Call) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise transport.ConnectionFailed("cut")

    world.api.fail = fail
    async with world.running():
        assert world.told == [("ADDED", "a")]
    assert len(world.slept) == 2


async def test_what_is_not_relevant_is_neither_decoded_nor_kept_and_the_rest_is_reduced() -> None:
    world = World()
    filled: list[bool] = []
    seen: list[bytes] = []

    def relevant(line: bytes) -> bool:
        seen.append(line)
        return b'"wanted' in line

    world.informer = informers.Informer(
        rest.Client(world.api, "test"),
        SECRETS,
        "n",
        relevant=relevant,
        reduce=lambda obj: {"metadata": obj["metadata"]},
        filled=lambda: filled.append(True),
        clock=world.clock,
        sleep=world.sleep,
    )
    world.informer.subscribe(world.tell)
    for name in ("a", "wanted-1"):
        world.api.put(SECRETS, _secret(name))
    async with world.running():
        for name in ("b", "wanted-2"):
            world.api.put(SECRETS, _secret(name))
        await world.settle()
        assert world.told == [("ADDED", "wanted-1"), ("ADDED", "wanted-2")]
        assert len(seen) == 4
        assert [set(obj) for obj in world.informer.values()] == [{"metadata"}, {"metadata"}]
        world.api.cut()
        world.api.put(SECRETS, _secret("c"))
        world.api.forget()
        await world.settle()
        assert len(filled) == 2
        world.api.remove(SECRETS, "wanted-1", "n")
        await world.settle()
        assert world.told[-1] == ("DELETED", "wanted-1")


async def test_after_refused_objects_it_lingers_so_that_many_are_passed_over_at_once() -> None:
    world = World()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    world.informer = informers.Informer(
        rest.Client(world.api, "test", sleep=sleep),
        SECRETS,
        "n",
        relevant=lambda line: b'"wanted' in line,
        linger=0.5,
        clock=world.clock,
    )
    world.api.put(SECRETS, _secret("from-before"))
    async with world.running():
        world.api.put(SECRETS, _secret("wanted"))
        await world.settle()
        assert slept == [], "what is there to begin with, and what is wanted, is told at once"
        world.api.put(SECRETS, _secret("other"))
        await world.settle()
        assert slept == [0.5]
