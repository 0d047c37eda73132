"""Events go an hour after their last write, by a clock that is passed in."""

import asyncio
from datetime import timedelta

from strongroom.aio import clock, tasks
from strongroom.api import resources
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object
from strongroom.registry import event_expiry
from strongroom.testing import api_server

EVENTS = resources.EVENTS


def _event(name: str, **more: object) -> Object:
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"},
        **more,
    }


async def _settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def _names(server: api_server.APIServer) -> list[str]:
    return [entry.name for entry in server.catalog[EVENTS].rows.entries()]


async def test_an_event_goes_an_hour_after_its_last_write() -> None:
    time = clock.FakeClock()
    async with api_server.running(clock=time) as server, tasks.TaskGroup("test") as group:
        registry = server.catalog[EVENTS]
        expiry = event_expiry.EventExpiry(registry, time)
        group.spawn("expiry", expiry.run())
        await _settle()
        await registry.create("default", _event("a"))
        await registry.create("default", _event("b"))
        await _settle()
        time.advance(1800)
        await registry.update("default", "b", lambda event: {**event, "count": 2})
        await _settle()
        time.advance(1799)
        await expiry.expire()
        assert _names(server) == ["a", "b"]
        time.advance(1)
        await expiry.expire()
        assert _names(server) == ["b"]
        time.advance(1800)
        await expiry.expire()
        assert _names(server) == []
        secrets = server.catalog[resources.SECRETS].rows.entries()
        assert list(secrets) == []


async def test_after_a_restart_the_age_is_told_by_the_events_times() -> None:
    time = clock.FakeClock()
    async with api_server.running(clock=time) as server:
        registry = server.catalog[EVENTS]
        await registry.create("default", _event("old"))
        recently = duration.timestamp(time.now() + timedelta(seconds=3000))
        await registry.create("default", _event("counted", lastTimestamp=recently, eventTime=None))
        deadlines = event_expiry.Deadlines()
        time.advance(3599)
        deadlines.load(registry.rows.entries(), time.now(), 0.0)
        assert deadlines.pop(0.9) is None
        assert deadlines.seconds(0.0) == 1.0
        due = deadlines.pop(1.0)
        assert due is not None
        assert due.name == "old"
        assert deadlines.pop(3000.9) is None
        later = deadlines.pop(3001.0)
        assert later is not None
        assert later.name == "counted"


async def test_a_time_that_lies_ahead_or_is_none_makes_no_event_immortal() -> None:
    time = clock.FakeClock()
    async with api_server.running(clock=time) as server:
        registry = server.catalog[EVENTS]
        await registry.create("default", _event("odd", lastTimestamp="9999-12-31T23:59:59Z"))
        deadlines = event_expiry.Deadlines()
        deadlines.load(registry.rows.entries(), time.now(), 0.0)
        assert deadlines.pop(3600.0) is not None
