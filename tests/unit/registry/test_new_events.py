"""One set of events under two addresses, over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from strongroom.machinery.gvk import Object
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

NEW = "/apis/events.k8s.io/v1/namespaces/default/events"
CORE = "/api/v1/namespaces/default/events"
TIME = "2026-01-02T03:04:00.000000Z"
MERGE = "application/merge-patch+json"


@pytest.fixture
async def server() -> AsyncIterator[APIServer]:
    async with api_server.running() as running:
        yield running


def new_event(name: str = "e", **fields: Any) -> Object:
    return {
        "metadata": {"name": name},
        "eventTime": TIME,
        "reportingController": "example.com/c",
        "reportingInstance": "c-1",
        "action": "Pull",
        "reason": "Pulled",
        "regarding": {"kind": "Pod", "namespace": "default", "name": "p"},
        "note": "text",
        "type": "Normal",
        **fields,
    }


def core_event(name: str = "e") -> Object:
    involved = {"kind": "Pod", "namespace": "default", "name": "p"}
    return {"metadata": {"name": name}, "involvedObject": involved, "message": "text", "count": 3}


async def test_what_one_makes_the_other_shows(server: APIServer) -> None:
    made = await server.request("POST", NEW, new_event())
    assert (made.status, made.json["apiVersion"], made.json["note"]) == (201, "events.k8s.io/v1", "text")
    core = (await server.get(f"{CORE}/e")).json
    assert (core["apiVersion"], core["message"], core["involvedObject"]["name"]) == ("v1", "text", "p")
    assert core["metadata"]["uid"] == made.json["metadata"]["uid"]
    await server.request("POST", CORE, core_event("old"))
    shown = (await server.get(f"{NEW}/old")).json
    assert (shown["kind"], shown["deprecatedCount"], shown["eventTime"]) == ("Event", 3, None)
    assert (await server.request("POST", NEW, new_event("old"))).status == 409


async def test_lists(server: APIServer) -> None:
    for name in ("a", "b", "c"):
        await server.request("POST", CORE, core_event(name))
    found = (await server.get(NEW)).json
    assert (found["kind"], found["apiVersion"]) == ("EventList", "events.k8s.io/v1")
    assert [item["deprecatedCount"] for item in found["items"]] == [3, 3, 3]
    first = (await server.get(f"{NEW}?limit=2")).json
    token = first["metadata"]["continue"]
    await server.request("DELETE", f"{CORE}/c")
    rest = (await server.get(NEW, query=[("limit", "2"), ("continue", token)])).json
    assert [item["note"] for item in rest["items"]] == ["text"]


async def test_selectors_in_the_names_of_the_version(server: APIServer) -> None:
    await server.request("POST", NEW, new_event())
    for name, count in (("p", 1), ("q", 0)):
        query = [("fieldSelector", f"regarding.name={name}")]
        assert len((await server.get(NEW, query=query)).json["items"]) == count
    wrong = await server.get(NEW, query=[("fieldSelector", "involvedObject.name=p")])
    assert (wrong.status, wrong.json["message"]) == (
        400, "field label not supported: involvedObject.name"
    )  # fmt: skip


async def test_changes(server: APIServer) -> None:
    await server.request("POST", NEW, new_event())
    series = {"count": 2, "lastObservedTime": TIME}
    patched = await server.request("PATCH", f"{NEW}/e", {"series": series}, content_type=MERGE)
    assert (patched.status, patched.json["series"]) == (200, series), patched.text
    core = (await server.get(f"{CORE}/e")).json
    assert (core["series"], core["message"]) == (series, "text")
    assert core["metadata"]["resourceVersion"] == patched.json["metadata"]["resourceVersion"]
    same = await server.request("PATCH", f"{NEW}/e", {"series": series}, content_type=MERGE)
    assert same.json["metadata"]["resourceVersion"] == core["metadata"]["resourceVersion"]
    refused = await server.request("PATCH", f"{NEW}/e", {"note": "other"}, content_type=MERGE)
    assert refused.json["message"] == (
        'Event "e" is invalid: message: Invalid value: "other": field is immutable'
    )
    stored = (await server.get(f"{NEW}/e")).json
    assert (await server.request("PUT", f"{NEW}/e", stored)).status == 200


async def test_a_change_through_core_of_what_was_made_here(server: APIServer) -> None:
    await server.request("POST", NEW, new_event())
    patched = await server.request("PATCH", f"{CORE}/e", {"message": "core"}, content_type=MERGE)
    assert patched.status == 200, patched.text
    assert (await server.get(f"{NEW}/e")).json["note"] == "core"


async def test_delete(server: APIServer) -> None:
    await server.request("POST", NEW, new_event())
    answer = await server.request("DELETE", f"{NEW}/e")
    assert (answer.status, answer.json["details"]["group"]) == (200, "events.k8s.io")
    assert (await server.get(f"{CORE}/e")).status == 404
    await server.request("POST", NEW, new_event())
    assert (await server.request("DELETE", NEW)).json["items"][0]["note"] == "text"
    assert (await server.get(CORE)).json["items"] == []


async def test_watch(server: APIServer) -> None:
    await server.request("POST", CORE, core_event("a"))
    lines: list[Any] = []
    stream = server.transport().stream("GET", NEW, query=[("watch", "true"), ("timeoutSeconds", "5")])
    async with stream as response:
        buffered = b""
        async for chunk in response.chunks:
            buffered += chunk
            if not lines and b"\n" in buffered:
                lines.append(orjson.loads(buffered.splitlines()[0]))
                await server.request("POST", NEW, new_event("b"))
            if buffered.count(b"\n") == 2:
                lines.append(orjson.loads(buffered.splitlines()[1]))
                break
    assert [(line["type"], line["object"]["metadata"]["name"]) for line in lines] == [
        ("ADDED", "a"), ("ADDED", "b")
    ]  # fmt: skip
    assert all(line["object"]["apiVersion"] == "events.k8s.io/v1" for line in lines)
    assert lines[0]["object"]["deprecatedCount"] == 3


async def test_the_version_that_is_stored_is_cores(server: APIServer) -> None:
    hashes = [
        next(
            r["storageVersionHash"]
            for r in (await server.get(path)).json["resources"]
            if r["name"] == "events"
        )
        for path in ("/api/v1", "/apis/events.k8s.io/v1")
    ]
    assert hashes == ["r2yiGXH7wu8="] * 2
