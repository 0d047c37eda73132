"""The shared loop: each key until it succeeds, and nothing left behind."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from strongroom.api import resources
from strongroom.client import transport
from strongroom.controllers import controller
from strongroom.machinery import status
from strongroom.testing import controllers


class World(controllers.World):
    """Records what is reconciled; `errors` holds what the coming attempts raise."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.errors: list[Exception | None] = []

    async def reconcile(self, key: str) -> None:
        self.seen.append(key)
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error

    def controller(self, *, workers: int = 1) -> controller.Controller:
        informer = self.informer(resources.NAMESPACES)
        return controller.Controller("test", self.reconcile, [informer], self.clock, workers=workers)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


async def test_nothing_is_worked_on_before_the_informers_have_synced(world: World) -> None:
    def down(call: object) -> None:
        raise transport.ConnectionFailed("down")

    world.api.fail = down
    loop = world.controller()
    loop.queue.add("a")
    world.spawn(loop)
    await world.settle()
    assert world.seen == []


async def test_keys_are_reconciled(world: World) -> None:
    loop = world.controller()
    world.spawn(loop)
    for key in ("a", "b"):
        loop.queue.add(key)
    await world.settle()
    assert world.seen == ["a", "b"]
    assert loop.queue.idle


@pytest.mark.parametrize(
    ("error", "level", "text"),
    [
        (transport.ConnectionFailed("cut"), logging.DEBUG, "test: a: cut"),
        (status.conflict(resources.PODS, "p"), logging.DEBUG, "test: a: Conflict: Operation cannot"),
        (status.internal_error("x"), logging.WARNING, "test: a: InternalError: Internal error occurred: x"),
        (ValueError("s3cret"), logging.ERROR, "test: a: ValueError"),
    ],
)
async def test_a_key_that_failed_is_tried_again(
    world: World, caplog: pytest.LogCaptureFixture, error: Exception, level: int, text: str
) -> None:
    caplog.set_level(logging.DEBUG)
    world.errors = [error]
    loop = world.controller()
    world.spawn(loop)
    loop.queue.add("a")
    await world.settle()
    assert world.seen == ["a"]
    world.clock.advance(1)
    loop.queue.add("b")
    await world.settle()
    assert world.seen == ["a", "b", "a"]
    record = next(record for record in caplog.records if record.message.startswith("test: a"))
    assert record.levelno == level
    assert record.message.startswith(text)
    assert "s3cret" not in caplog.text


async def test_a_failed_key_does_not_hold_up_the_others(world: World) -> None:
    world.errors = [ValueError()]
    loop = world.controller()
    world.spawn(loop)
    for key in ("a", "b"):
        loop.queue.add(key)
    await world.settle()
    assert world.seen == ["a", "b"]


async def test_it_can_be_cancelled_twice_and_leaves_nothing(world: World) -> None:
    loop = world.controller(workers=3)
    before = asyncio.all_tasks()
    task = world.spawn(loop)
    await world.settle()
    assert len(asyncio.all_tasks()) == len(before) + 4
    await controllers.cancel_twice(task)
    await world.settle()
    assert asyncio.all_tasks() == before
