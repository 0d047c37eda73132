"""Changes of a Secret that others change as well, by both ways: each by its own program, of the whole object
as it was read or of a part, in JSON or protobuf; with conditions that hold or do not."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.api import schema
from strongroom.testing import both_ways
from strongroom.testing.both_ways import JSON, PROTOBUF, SECRETS, Both, Counted
from strongroom.testing.protobuf_bodies import Bodies

A = f"{SECRETS}/a"
HEAD = {"apiVersion": "v1", "kind": "Secret"}
BODIES = Bodies(schema.table())
VALUES = [base64.b64encode(text).decode() for text in (b"", b"a", b"b", b"ikubernetes")]
KEYS = ("k", "l", "tls.crt")
LABELS = ("app.kubernetes.io/name", "x", "b")
WRONG: tuple[object, ...] = (None, 7, "-", "\u2713", "x" * 64, [], {"a": "b"}, True)

maps = st.dictionaries(st.sampled_from(LABELS), st.sampled_from(("", "web", "v1.2_3-4", "B")), max_size=3)
notes = st.dictionaries(
    st.sampled_from((*LABELS, "Example.com/Note", "kubectl.kubernetes.io/last-applied-configuration")),
    st.sampled_from(("", 'with "quotes": and more\n', "\u2713 <&>", "y" * 300)),
    max_size=3,
)
data = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), min_size=1, max_size=3)
conditions: dict[str, st.SearchStrategy[Any]] = {
    "uid": st.sampled_from((both_ways.UID, "", None, "other")),
    "resourceVersion": st.sampled_from(("", "0", None, "1", 5)),
    "creationTimestamp": st.sampled_from((None, "2020-01-01T00:00:00Z", "2020-01-01T00:00:00+01:00", "")),
    "managedFields": st.sampled_from(([], [{}], None, {}, 7)),
    "namespace": st.sampled_from(("default", "", None, "other")),
    "generation": st.integers(0, 2),
    "finalizers": st.sampled_from(([], [], ["a.b/c"])),
    "ownerReferences": st.sampled_from(([], [{"apiVersion": "v1", "kind": "a", "name": "b", "uid": "c"}])),
    "selfLink": st.sampled_from(("", "/x")),
    "labels": st.one_of(maps, st.dictionaries(st.sampled_from(("x", "-")), st.sampled_from(WRONG))),
    "annotations": st.one_of(notes, st.dictionaries(st.sampled_from(("x", "/")), st.sampled_from(WRONG))),
    "unknown": st.just(1),
}


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """What a step does. `from_read`: to the object as it is stored, not to one of its own."""
    metadata: dict[str, Any] = {}
    for field, of in (("labels", maps), ("annotations", notes)):
        if draw(st.integers(0, 2)) == 0:
            metadata[field] = draw(of)
    if draw(st.integers(0, 2)) == 0:
        for field in draw(st.sets(st.sampled_from(sorted(conditions)), min_size=1, max_size=2)):
            metadata[field] = draw(conditions[field])
    obj: dict[str, Any] = {"data": draw(data)} if draw(st.integers(0, 5)) else {}
    if draw(st.integers(0, 9)) == 0:
        obj["type"] = draw(st.sampled_from(("Opaque", "example.com/other")))
    if draw(st.integers(0, 39)) == 0:
        obj["immutable"] = draw(st.booleans())
    return {
        "method": draw(st.sampled_from((*["PUT"] * 8, "PATCH", "APPLY", "POST", "DELETE"))),
        "from_read": draw(st.booleans()),
        "old": draw(st.integers(0, 6)) == 0,
        "in_protobuf": draw(st.integers(0, 3)) == 0,
        "query": draw(st.sampled_from(("", "", "", *QUERIES))),
        "agent": draw(st.sampled_from(("kubectl/v1", "kubectl/v1", "helm/v3", "\u00e9/1"))),
        "seconds": draw(st.integers(0, 2)),
        "metadata": metadata,
        "obj": obj,
    }


QUERIES = (
    "?fieldManager=me",
    "?fieldManager=kubectl-create&fieldValidation=Strict",
    "?fieldManager=m\u00e4h&pretty=true",
    "?dryRun=All",
    "?fieldValidation=Ignore&timeout=5s",
    "?fieldValidation=Nonsense",
)


async def step(both: Both, known: list[dict[str, Any]], does: dict[str, Any]) -> None:
    """`known`: the states that clients have read so far."""
    obj: dict[str, Any] = {**HEAD, "metadata": {"name": "a"}, "data": {"k": "YQ=="}}
    method, path, content_type = does["method"], A, JSON
    if known and does["from_read"] and method == "PUT":
        obj = json.loads(json.dumps(known[0] if does["old"] else known[-1]))
    obj |= does["obj"]
    obj["metadata"] |= does["metadata"]
    body = json.dumps(obj).encode()
    if method == "POST":
        path = SECRETS
    elif method == "APPLY":
        method, content_type = "PATCH", "application/apply-patch+yaml"
        del obj["metadata"]["name"]
        body = json.dumps({**obj, "metadata": {"labels": obj["metadata"].get("labels") or {}}}).encode()
        does = {**does, "query": "?fieldManager=applier&force=true"}
    elif method == "PATCH":
        content_type = "application/merge-patch+json"
        body = json.dumps({"metadata": {"annotations": {"p": str(len(known))}}}).encode()
    if does["in_protobuf"] and content_type == JSON and method != "DELETE":
        try:
            body, content_type = BODIES.body("core.v1.Secret", "v1", "Secret", obj, as_go=True), PROTOBUF
        except (TypeError, ValueError, AttributeError, KeyError):
            return  # no protobuf can say so
    await both.send(method, path + does["query"], body, does["agent"], does["seconds"], content_type)
    if (read := (await both.servers[0].get(A))).status == 200:
        known.append(read.json)


def test_whole_objects_come_to_what_they_come_to_the_general_way() -> None:
    async def run(both: Both, steps: list[dict[str, Any]]) -> None:
        known: list[dict[str, Any]] = []
        first = {**HEAD, "metadata": {"name": "a"}, "data": {"k": "YQ=="}}
        await both.send("POST", SECRETS, json.dumps(first).encode())
        known.append((await both.servers[0].get(A)).json)
        for each in steps:
            await step(both, known, each)
        await both.compare_all()
        await both.forget()
        for server in both.servers:  # those with finalizers
            body = [{"op": "remove", "path": "/metadata/finalizers"}]
            await server.request("PATCH", A, body, content_type="application/json-patch+json")

    with asyncio.Runner() as runner:
        context = both_ways.running()
        both = runner.run(context.__aenter__())

        @settings(max_examples=180, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(changes(), min_size=1, max_size=8))
        def same(steps: list[dict[str, Any]]) -> None:
            runner.run(run(both, steps))

        same()
        runner.run(context.__aexit__(None, None, None))


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    async with both_ways.running() as servers:
        yield servers


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch.setattr)


LABELLED: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "a", "labels": {"x": "y", "a": "b"}, "annotations": {"Example.com/note": "of it"}},
    "type": "Opaque",
    "stringData": {"k": "a"},
}


async def created(both: Both, short: Counted) -> dict[str, Any]:
    answer, _ = await both.send("POST", SECRETS, json.dumps(LABELLED).encode())
    assert (answer.status, short.writes) == (201, 1)
    return answer.json


async def test_a_whole_object_goes_the_short_way_whoever_changed_it(both: Both, short: Counted) -> None:
    obj = await created(both, short)
    apply = b'{"apiVersion":"v1","kind":"Secret","metadata":{"labels":{"of": "applier"}}}'
    answer, _ = await both.send(
        "PATCH", f"{A}?fieldManager=ap", apply, content_type="application/apply-patch+yaml"
    )
    obj = answer.json
    for number, agent in enumerate(("helm/v3", "kubectl/v1", "helm/v3"), 2):
        obj["data"] = {**obj["data"], "k": VALUES[number - 1], f"by-{agent[0]}": VALUES[number - 1]}
        answer, _ = await both.send("PUT", A, json.dumps(obj).encode(), agent)
        obj = answer.json
        assert (answer.status, short.writes) == (200, number)
    assert [each["operation"] for each in obj["metadata"]["managedFields"]] == ["Apply", "Update", "Update"]


async def test_an_old_version_is_a_conflict_in_the_general_words(both: Both, short: Counted) -> None:
    obj = await created(both, short)
    newer = {**obj, "data": {"k": VALUES[2]}}
    assert (await both.send("PUT", A, json.dumps(newer).encode()))[0].status == 200
    answer, _ = await both.send("PUT", A, json.dumps({**obj, "data": {"k": VALUES[3]}}).encode())
    assert answer.status == 409
    assert answer.json["message"] == (
        'Operation cannot be fulfilled on secrets "a": the object has been modified; please apply your '
        "changes to the latest version and try again"
    )
    assert short.writes == 2


async def test_another_uid_is_a_conflict_whatever_else_is_right(both: Both, short: Counted) -> None:
    obj = await created(both, short)
    obj["metadata"]["uid"] = "other"
    answer, _ = await both.send("PUT", A, json.dumps({**obj, "data": {"k": VALUES[3]}}).encode())
    assert (answer.status, short.writes) == (409, 1)


async def test_another_version_is_a_conflict_whatever_else_is_right(both: Both, short: Counted) -> None:
    obj = await created(both, short)
    obj["metadata"]["resourceVersion"] = "1"
    answer, _ = await both.send("PUT", A, json.dumps({**obj, "data": {"k": VALUES[3]}}).encode())
    assert (answer.status, short.writes) == (409, 1)


async def test_what_changes_nothing_makes_no_revision(both: Both, short: Counted) -> None:
    obj = await created(both, short)
    answer, _ = await both.send("PUT", A, json.dumps(obj).encode(), "other/v1")
    assert (answer.status, answer.json, short.writes) == (200, obj, 1)


async def test_of_many_who_send_back_the_same_one_succeeds(both: Both, short: Counted) -> None:
    obj = await created(both, short)
    server = both.servers[0]
    bodies = [{**obj, "data": {"k": base64.b64encode(b"%d" % number).decode()}} for number in range(8)]
    answers = await asyncio.gather(*(server.request("PUT", A, body) for body in bodies))
    assert sorted(answer.status for answer in answers) == [200, *[409] * 7]
    assert short.writes == 2


@pytest.mark.parametrize("labels", [None, {"x": "y"}])
async def test_kubectl_creates_the_short_way(
    both: Both, short: Counted, labels: dict[str, str] | None
) -> None:
    obj = {"metadata": {"name": "db"} | ({"labels": labels} if labels else {}), "data": {"password": "aWs="}}
    body = BODIES.body("core.v1.Secret", "v1", "Secret", obj, as_go=True)
    query = "?fieldManager=kubectl-create&fieldValidation=Strict"
    answer, _ = await both.send("POST", SECRETS + query, body, content_type=PROTOBUF)
    assert (answer.status, short.writes) == (201, 1)
    assert answer.json["metadata"]["managedFields"][0]["manager"] == "kubectl-create"


async def test_a_protobuf_body_that_is_broken_is_refused_in_the_general_words(
    both: Both, short: Counted
) -> None:
    obj = {"metadata": {"name": "db", "labels": {"a": "b"}}, "data": {"password": "aWs="}}
    body = BODIES.body("core.v1.Secret", "v1", "Secret", obj, as_go=True)
    for at in range(len(body)):
        for byte in (0, 0x0A, 0x7F, 0xFF):
            await both.send(
                "POST", SECRETS, body[:at] + bytes([byte]) + body[at + 1 :], content_type=PROTOBUF
            )
            await both.forget()
        await both.send("POST", SECRETS, body[:at], content_type=PROTOBUF)
        await both.forget()
    assert short.writes > 10
    await both.compare_all()


@pytest.mark.parametrize("query", ["?dryRun=All", "?fieldManager=m&pretty=true", "?fieldManager=\x00"])
async def test_other_queries_go_the_general_way(both: Both, short: Counted, query: str) -> None:
    await both.send("POST", SECRETS + query, json.dumps(LABELLED).encode())
    assert short.writes == 0
