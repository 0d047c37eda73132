"""Lists and watches against a model, whatever is written in between: the pages of a list are one snapshot,
and what a client holds that follows a watch, breaks off and goes on, is what a list answers.
"""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.aio.clock import FakeClock
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

NUMBERS = itertools.count()
MERGE = "application/merge-patch+json"
SENTINEL = "z-sentinel"

Write = tuple[str, int, int]
"""What is done (`put`, `touch`, `delete`), the number of the object, the value of its label."""

Query = list[tuple[str, str]]

WRITES: st.SearchStrategy[list[Write]] = st.lists(
    st.tuples(st.sampled_from(("put", "put", "touch", "delete")), st.integers(0, 7), st.integers(0, 1)),
    max_size=8,
)
SELECTORS: st.SearchStrategy[Query] = st.sampled_from(
    ([], [("labelSelector", "a=1")], [("labelSelector", "a!=0")], [("fieldSelector", "type=Opaque")])
)

MADE_UP = settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class World:
    """A namespace of one example's own."""

    def __init__(self, server: APIServer, clock: FakeClock) -> None:
        self.server = server
        self.clock = clock
        self.namespace = f"n{next(NUMBERS)}"
        self.path = f"/api/v1/namespaces/{self.namespace}/secrets"

    async def enter(self) -> None:
        answer = await self.server.request(
            "POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}}
        )
        assert answer.status == 201
        metadata = {"name": SENTINEL, "labels": {"a": "1"}}
        await self.server.create_secret(SENTINEL, self.namespace, metadata=metadata)

    async def write(self, writes: list[Write]) -> None:
        for what, number, label in writes:
            name, labels = f"s{number}", {"a": str(label)}
            if what == "delete":
                await self.server.request("DELETE", f"{self.path}/{name}")
                continue
            annotations = {"change": str(next(NUMBERS))} if what == "touch" else {}
            changed = {"metadata": {"labels": labels, "annotations": annotations}}
            answer = await self.server.request("PATCH", f"{self.path}/{name}", changed, content_type=MERGE)
            if answer.status == 404:
                await self.server.create_secret(
                    name, self.namespace, metadata={"name": name, "labels": labels}
                )

    async def list(self, query: Query) -> dict[str, Any]:
        answer = await self.server.get(self.path, query=query)
        assert answer.status == 200, answer.text
        return answer.json

    async def mark(self) -> str:
        """Change an object that all selectors choose; its resourceVersion."""
        changed = {"metadata": {"labels": {"b": str(next(NUMBERS))}}}
        answer = await self.server.request("PATCH", f"{self.path}/{SENTINEL}", changed, content_type=MERGE)
        version: str = answer.json["metadata"]["resourceVersion"]
        return version

    def pass_time(self) -> None:
        """So much that every open watch is due for a bookmark."""
        self.clock.advance(80)
        self.server.app._watches.advance(self.clock.monotonic())


@pytest.fixture
def runner() -> Iterator[tuple[asyncio.Runner, APIServer, FakeClock]]:
    with asyncio.Runner() as runner:
        clock = FakeClock()
        context = api_server.running(clock=clock)
        yield runner, runner.run(context.__aenter__()), clock
        runner.run(context.__aexit__(None, None, None))


@MADE_UP
@given(
    before=WRITES,
    between=st.lists(WRITES, min_size=1, max_size=4),
    limit=st.integers(1, 4),
    selector=SELECTORS,
)
def test_pages_of_a_list_are_one_snapshot_whatever_is_written_between_them(
    runner: tuple[asyncio.Runner, APIServer, FakeClock],
    before: list[Write],
    between: list[list[Write]],
    limit: int,
    selector: Query,
) -> None:
    async def attempt() -> None:
        world = World(*runner[1:])
        await world.enter()
        await world.write(before)
        whole = await world.list(selector)
        items: list[Any] = []
        token, writes = "", itertools.cycle(between)
        while True:
            page = await world.list([*selector, ("limit", str(limit)), ("continue", token)])
            items += page["items"]
            token = page["metadata"].get("continue", "")
            assert len(page["items"]) == limit or not token
            assert page["metadata"]["resourceVersion"] == whole["metadata"]["resourceVersion"]
            left = page["metadata"].get("remainingItemCount")
            assert left is None if selector or not token else left == len(whole["items"]) - len(items)
            if not token:
                break
            await world.write(next(writes))
        assert items == whole["items"]

    runner[0].run(attempt())


class Follower:
    """A client as client-go's reflector is one: it keeps what it was told, and where it was."""

    def __init__(self, world: World, selector: Query) -> None:
        self.world = world
        self.selector = selector
        self.held: dict[str, Any] = {}
        self.version = ""

    async def start(self, streaming: bool) -> None:
        if streaming:
            query = [("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan")]
            await self._follow(query, until_bookmark=True)
            return
        answer = await self.world.list(self.selector)
        self.held = {item["metadata"]["name"]: item for item in answer["items"]}
        self.version = answer["metadata"]["resourceVersion"]

    async def catch_up(self, between: list[Write], *, idle: bool) -> None:
        """Watch from where it was, while writes go on, until their end; then break off."""
        await self._follow([("resourceVersion", self.version)], between, until_bookmark=idle)

    async def _follow(
        self, query: Query, between: list[Write] | None = None, *, until_bookmark: bool
    ) -> None:
        query = [("watch", "1"), ("allowWatchBookmarks", "true"), *query, *self.selector]
        stream = self.world.server.transport().stream("GET", self.world.path, query=query)
        async with asyncio.timeout(10), stream as answer, aclosing(answer.chunks) as chunks:
            assert answer.status == 200
            last = ""
            if between is not None:
                await self.world.write(between)
                last = await self.world.mark()
                if until_bookmark:
                    self.world.pass_time()
            buffer = b""
            while True:
                buffer += await anext(chunks)
                *lines, buffer = buffer.split(b"\n")
                for line in lines:
                    event = orjson.loads(line)
                    self._take(event, ordered=between is not None)
                    if event["type"] == "BOOKMARK" if until_bookmark else self.version == last:
                        return

    def _take(self, event: dict[str, Any], *, ordered: bool) -> None:
        metadata = event["object"]["metadata"]
        version = metadata["resourceVersion"]
        assert not ordered or int(version) > int(self.version) or event["type"] == "BOOKMARK"
        name = metadata.get("name", "")
        if event["type"] == "ADDED":
            assert name not in self.held
        elif event["type"] in ("MODIFIED", "DELETED"):
            assert name in self.held
        if event["type"] == "DELETED":
            del self.held[name]
        elif event["type"] != "BOOKMARK":
            self.held[name] = {k: v for k, v in event["object"].items() if k not in ("kind", "apiVersion")}
        if ordered or event["type"] == "BOOKMARK":
            self.version = version


@MADE_UP
@given(
    before=WRITES,
    rounds=st.lists(st.tuples(WRITES, WRITES, st.booleans()), min_size=1, max_size=4),
    selector=SELECTORS,
    streaming=st.booleans(),
)
def test_list_and_events_are_the_state_whatever_is_written_and_however_often_the_watch_breaks(
    runner: tuple[asyncio.Runner, APIServer, FakeClock],
    before: list[Write],
    rounds: list[tuple[list[Write], list[Write], bool]],
    selector: Query,
    streaming: bool,
) -> None:
    async def attempt() -> None:
        world = World(*runner[1:])
        await world.enter()
        await world.write(before)
        follower = Follower(world, selector)
        await follower.start(streaming)
        for unseen, seen, idle in rounds:
            await world.write(unseen)
            await follower.catch_up(seen, idle=idle)
            listed = await world.list(selector)
            assert follower.held == {item["metadata"]["name"]: item for item in listed["items"]}

    runner[0].run(attempt())
