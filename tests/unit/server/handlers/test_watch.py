import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from strongroom.aio.clock import FakeClock
from strongroom.client.response import StreamingResponse
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
MERGE = "application/merge-patch+json"


class Events:
    """Events of an open watch, one at a time."""

    def __init__(self, answer: StreamingResponse) -> None:
        self.answer = answer
        self._chunks = answer.chunks
        self._buffer = b""

    async def next(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            self._buffer += await asyncio.wait_for(anext(self._chunks), 2)
        line, _, self._buffer = self._buffer.partition(b"\n")
        event: dict[str, Any] = orjson.loads(line)
        return event

    async def types_and_names(self, count: int) -> list[tuple[str, str]]:
        events = [await self.next() for _ in range(count)]
        return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]

    async def ended(self) -> bool:
        async with asyncio.timeout(2):
            return b"".join([chunk async for chunk in self._chunks]) == b"" and not self._buffer


@asynccontextmanager
async def watching(
    server: APIServer, *query: tuple[str, str], path: str = SECRETS, accept: str = ""
) -> AsyncIterator[Events]:
    headers = {"accept": accept} if accept else {}
    pairs = [("watch", "true"), *query]
    async with server.transport().stream("GET", path, query=pairs, headers=headers) as answer:
        yield Events(answer)


async def _change(server: APIServer, name: str, patch: object) -> None:
    answer = await server.request("PATCH", f"{SECRETS}/{name}", patch, content_type=MERGE)
    assert answer.status == 200, answer.text


async def test_begins_with_what_is_there(server: APIServer) -> None:
    await server.create_secret("b")
    created = await server.create_secret("a")
    async with watching(server) as events:
        assert events.answer.status == 200
        assert events.answer.headers["content-type"] == "application/json"
        assert await events.next() == {"type": "ADDED", "object": created}
        assert (await events.next())["object"]["metadata"]["name"] == "b"
        await server.create_secret("c")
        assert await events.types_and_names(1) == [("ADDED", "c")]


async def test_head_does_not_wait_for_an_event(server: APIServer) -> None:
    async with asyncio.timeout(2), watching(server) as events:
        assert events.answer.status == 200


async def test_goes_on_from_a_version(server: APIServer) -> None:
    version = (await server.create_secret("a"))["metadata"]["resourceVersion"]
    await server.create_secret("b")
    async with watching(server, ("resourceVersion", version)) as events:
        await _change(server, "a", {"data": {"k": "eA=="}})
        await server.request("DELETE", f"{SECRETS}/a")
        assert await events.types_and_names(3) == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_deleted_object_has_the_version_of_its_deletion(server: APIServer) -> None:
    created = await server.create_secret("a")
    async with watching(server, ("resourceVersion", created["metadata"]["resourceVersion"])) as events:
        await server.request("DELETE", f"{SECRETS}/a")
        event = await events.next()
        assert event["object"]["data"] == created["data"]
        assert event["object"]["metadata"]["resourceVersion"] == str(server.cache.revision)


async def test_selector_transitions(server: APIServer) -> None:
    await server.create_secret("a")
    version = str(server.cache.revision)
    async with watching(server, ("labelSelector", "x=1"), ("resourceVersion", version)) as events:
        for labels in ({"x": "1"}, {"y": "2"}, {"x": "2"}, {"x": "1"}):
            await _change(server, "a", {"metadata": {"labels": labels}})
        await server.request("DELETE", f"{SECRETS}/a")
        seen = [await events.next() for _ in range(5)]
        assert [event["type"] for event in seen] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
        left = seen[2]["object"]["metadata"]
        assert left["labels"] == {"x": "1", "y": "2"}
        assert int(left["resourceVersion"]) == int(seen[1]["object"]["metadata"]["resourceVersion"]) + 1


async def test_initial_events_obey_the_selector(server: APIServer) -> None:
    await server.create_secret("a", metadata={"name": "a", "labels": {"x": "1"}})
    await server.create_secret("b")
    async with watching(server, ("labelSelector", "!x")) as events:
        assert await events.types_and_names(1) == [("ADDED", "b")]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (SECRETS, [("fieldSelector", "metadata.name=a")]),
        (f"{SECRETS}/a", []),
        ("/api/v1/watch/namespaces/default/secrets/a", []),
    ],
)
async def test_of_one_object(server: APIServer, path: str, query: list[tuple[str, str]]) -> None:
    await server.create_secret("a")
    await server.create_secret("b")
    async with watching(server, *query, path=path) as events:
        await server.create_secret("c")
        await _change(server, "a", {"data": {}, "type": "Opaque", "metadata": {"labels": {"x": "y"}}})
        assert await events.types_and_names(2) == [("ADDED", "a"), ("MODIFIED", "a")]


async def test_name_and_selector_that_contradict(server: APIServer) -> None:
    answer = await server.get(f"{SECRETS}/a?watch=1", query=[("fieldSelector", "metadata.name=b")])
    assert answer.status == 400
    assert answer.json["message"] == "fieldSelector metadata.name doesn't match requested name"


async def test_initial_events_end_with_a_bookmark(server: APIServer) -> None:
    await server.create_secret("a")
    query = [
        ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"),
        ("allowWatchBookmarks", "true"),
    ]
    async with watching(server, *query) as events:
        assert await events.types_and_names(1) == [("ADDED", "a")]
        assert await events.next() == {
            "type": "BOOKMARK",
            "object": {
                "kind": "Secret",
                "apiVersion": "v1",
                "metadata": {
                    "resourceVersion": str(server.cache.revision),
                    "annotations": {"k8s.io/initial-events-end": "true"},
                },
            },
        }


async def test_without_initial_events_it_begins_now(server: APIServer) -> None:
    await server.create_secret("a")
    query = [("sendInitialEvents", "false"), ("resourceVersionMatch", "NotOlderThan")]
    async with watching(server, *query) as events:
        await server.create_secret("b")
        assert await events.types_and_names(1) == [("ADDED", "b")]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (
            "sendInitialEvents=true",
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to "
            "NotOlderThan",
        ),
        (
            "resourceVersionMatch=NotOlderThan&resourceVersion=1",
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless "
            "sendInitialEvents is provided",
        ),
        ("resourceVersion=x", 'resourceVersion: Invalid value: "x"'),
        ("sendInitialEvents=no", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        ("continue=x", "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is"),
        (
            "continue=x&sendInitialEvents=0&resourceVersionMatch=NotOlderThan&resourceVersion=1",
            "resourceVersionMatch is forbidden when continue is provided",
        ),
    ],
)
async def test_invalid_combinations(server: APIServer, query: str, text: str) -> None:
    answer = await server.get(f"{SECRETS}?watch=1&{query}")
    assert answer.status == 422
    assert text in answer.json["message"]


@pytest.mark.parametrize("what", ["watch=1&", ""])
async def test_what_cannot_be_read_is_told_before_what_does_not_go_together(
    server: APIServer, what: str
) -> None:
    answer = await server.get(f"{SECRETS}?{what}resourceVersionMatch=Nope&limit=x")
    assert (answer.status, answer.json["message"]) == (400, 'strconv.ParseInt: parsing "x": invalid syntax')
    answer = await server.get(f"{SECRETS}?{what}resourceVersionMatch=Nope&labelSelector=a+b")
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")


@pytest.fixture
async def timed(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[APIServer, FakeClock]]:
    """A server whose time the test turns by hand, and which looks at it all the time."""
    monkeypatch.setattr("strongroom.server.watches.TICK", 0.001)
    clock = FakeClock()
    async with api_server.running(clock=clock) as running:
        yield running, clock


async def test_bookmarks_from_time_to_time(timed: tuple[APIServer, FakeClock]) -> None:
    server, clock = timed
    async with watching(server, ("allowWatchBookmarks", "true"), ("timeoutSeconds", "600")) as events:
        assert (await events.next())["object"]["metadata"]["annotations"]
        for _ in range(3):
            await server.request(
                "POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"generateName": "c"}}
            )
            clock.advance(76)
            event = await events.next()
            assert event["type"] == "BOOKMARK"
            assert event["object"]["metadata"] == {"resourceVersion": str(server.cache.revision)}


async def test_bookmark_comes_after_the_events_that_it_covers(timed: tuple[APIServer, FakeClock]) -> None:
    server, clock = timed
    query = [("allowWatchBookmarks", "true"), ("timeoutSeconds", "600"), ("resourceVersion", "1")]
    async with watching(server, *query) as events:
        await server.create_secret("a")
        clock.advance(76)
        await server.create_secret("b")
        seen = [await events.next() for _ in range(3)]
        last = 0
        for event in seen:
            version = int(event["object"]["metadata"]["resourceVersion"])
            assert version >= last
            last = version


async def test_time_is_over_with_a_last_bookmark(timed: tuple[APIServer, FakeClock]) -> None:
    server, clock = timed
    query = [("timeoutSeconds", "10"), ("allowWatchBookmarks", "true"), ("resourceVersion", "1")]
    async with watching(server, *query, path="/api/v1/configmaps") as events:
        clock.advance(8.5)
        assert (await events.next())["type"] == "BOOKMARK"
        clock.advance(1.5)
        assert await events.ended()


@pytest.mark.parametrize(
    ("query", "before", "after"), [([("timeoutSeconds", "10")], 9.5, 10), ([], 1799, 3600)]
)
async def test_a_watch_ends_when_its_time_is_over_and_not_before(
    timed: tuple[APIServer, FakeClock], query: list[tuple[str, str]], before: float, after: float
) -> None:
    server, clock = timed
    async with watching(server, ("resourceVersion", "1"), *query) as events:
        clock.advance(before)
        await asyncio.sleep(0.01)
        await server.create_secret("a")
        assert (await events.next())["object"]["metadata"]["name"] == "a"
        clock.advance(after - before)
        assert await events.ended()


async def test_no_bookmark_for_who_did_not_ask(timed: tuple[APIServer, FakeClock]) -> None:
    server, clock = timed
    query = [
        ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"),
        ("timeoutSeconds", "600"),
    ]
    async with watching(server, *query) as events:
        clock.advance(599)
        await asyncio.sleep(0.01)
        clock.advance(1)
        assert await events.ended()


async def test_table(server: APIServer) -> None:
    await server.create_secret("a")
    async with watching(server, accept="application/json;as=Table;v=v1;g=meta.k8s.io") as events:
        await server.create_secret("b")
        first, second = await events.next(), await events.next()
        assert first["object"]["kind"] == "Table"
        assert [row["cells"][0] for row in first["object"]["rows"]] == ["a"]
        assert len(first["object"]["columnDefinitions"]) == 4
        assert second["object"]["columnDefinitions"] is None
        assert second["object"]["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


async def test_metadata_only(server: APIServer) -> None:
    await server.create_secret("a")
    accept = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    async with watching(server, ("allowWatchBookmarks", "1"), accept=accept) as events:
        event = await events.next()
        assert event["object"]["kind"] == "PartialObjectMetadata"
        assert set(event["object"]) == {"kind", "apiVersion", "metadata"}
        bookmark = await events.next()
        assert bookmark["object"]["kind"] == "PartialObjectMetadata"


async def test_yaml_is_no_stream(server: APIServer) -> None:
    answer = await server.get(f"{SECRETS}?watch=1", headers={"accept": "application/yaml"})
    assert answer.status == 406


async def test_version_in_the_future(server: APIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.registry.listing.FRESH_TIMEOUT", 0.01)
    answer = await server.get(f"{SECRETS}?watch=1&resourceVersion=9999")
    current = server.cache.revision
    assert answer.status == 504
    assert answer.json["message"] == f"Timeout: Too large resource version: 9999, current: {current}"
    assert answer.json["details"] == {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    assert answer.headers["retry-after"] == "1"


async def test_history_that_is_gone(server: APIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.store.resource_cache.HISTORY_MINIMUM", 2)
    monkeypatch.setattr("strongroom.store.resource_cache.HISTORY_LIMIT", 2)
    for number in range(5):
        await server.create_secret(f"s{number}")
    oldest = server.cache.revision - 2
    async with watching(server, ("resourceVersion", "3")) as events:
        assert await events.next() == {
            "type": "ERROR",
            "object": {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": f"too old resource version: 3 ({oldest})",
                "reason": "Expired",
                "code": 410,
            },
        }
        assert await events.ended()


async def test_many_watchers_see_one_change(server: APIServer) -> None:
    async with asyncio.TaskGroup() as group:
        ready = asyncio.Barrier(51)

        async def one() -> None:
            async with watching(server) as events:
                await ready.wait()
                assert await events.types_and_names(1) == [("ADDED", "a")]

        for _ in range(50):
            group.create_task(one())
        await ready.wait()
        await server.create_secret("a")


async def test_closing_the_server_ends_watches_and_refuses_new_ones(server: APIServer) -> None:
    async with watching(server) as events:
        await server.app.close()
        assert await events.ended()
    answer = await server.get(f"{SECRETS}?watch=1")
    assert answer.status == 503


async def test_leaving_client_leaves_nothing_behind(server: APIServer) -> None:
    rows = server.catalog.lookup("", "v1", "secrets")
    assert rows is not None
    async with watching(server):
        assert len(rows.rows.subscriptions) == 1
    assert len(rows.rows.subscriptions) == 0


async def test_a_match_that_a_watch_can_not_have_is_refused_twice(server: APIServer) -> None:
    path = "/api/v1/namespaces/default/secrets"
    answer = await server.get(path, query=[("watch", "1"), ("resourceVersionMatch", "Exact")])
    assert [cause["message"] for cause in answer.json["details"]["causes"]] == [
        "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        'Unsupported value: "Exact": supported values: "NotOlderThan"',
    ]
