"""What the levels and stages of a policy put on record: bodies where nothing is secret, and never a value."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.aio.clock import FakeClock
from strongroom.registry.generic import Registry
from strongroom.server.audit import policy_file
from strongroom.server.audit.recorder import Recorder
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer
from strongroom.testing.audit import Sink

NAMESPACE = "/api/v1/namespaces/default"
ACCOUNTS = f"{NAMESPACE}/serviceaccounts"
CANARY = "Y2FuYXJ5LXZhbHVl"
MERGE = "application/merge-patch+json"


@asynccontextmanager
async def _audited(
    *rules: dict[str, Any], fail_open: bool = False, **more: Any
) -> AsyncIterator[tuple[APIServer, Sink]]:
    document = {"kind": "Policy", "apiVersion": "audit.k8s.io/v1", "rules": list(rules), **more}
    sink = Sink()
    recorder = Recorder(policy_file.parse(document), sink, FakeClock(), fail_open=fail_open)
    async with api_server.running(recorder=recorder) as server:
        yield server, sink


EVERYTHING = {"level": "RequestResponse", "omitStages": ["RequestReceived"]}


async def test_request_and_response_are_on_record_as_they_were() -> None:
    async with _audited(EVERYTHING) as (server, sink):
        sent = {"metadata": {"name": "a", "labels": {"x": "y"}}}
        made = await server.request("POST", ACCOUNTS, sent)
        (event,) = sink.events
        assert event["level"] == "RequestResponse"
        assert event["requestObject"] == sent
        assert event["responseObject"] == made.json
        sink.lines.clear()
        patch = {"metadata": {"labels": {"x": "z"}}}
        patched = await server.request("PATCH", f"{ACCOUNTS}/a", patch, content_type=MERGE)
        assert sink.events[0]["requestObject"] == patch
        assert sink.events[0]["responseObject"] == patched.json
        sink.lines.clear()
        listed = await server.get(ACCOUNTS)
        assert "requestObject" not in sink.events[0]
        assert sink.events[0]["responseObject"] == listed.json


async def test_level_request_leaves_the_answer_out() -> None:
    async with _audited({**EVERYTHING, "level": "Request"}) as (server, sink):
        sent = {"metadata": {"name": "a"}}
        assert (await server.request("POST", ACCOUNTS, sent)).status == 201
        (event,) = sink.events
        assert (event["level"], event["requestObject"]) == ("Request", sent)
        assert "responseObject" not in event


async def test_bodies_in_yaml_and_answers_for_people_are_on_record_as_objects() -> None:
    async with _audited(EVERYTHING) as (server, sink):
        body = b"metadata: {name: a}\n"
        accept = {"accept": "application/yaml"}
        made = await server.request("POST", ACCOUNTS, body, content_type="application/yaml", headers=accept)
        assert made.status == 201
        (event,) = sink.events
        assert event["requestObject"] == {"metadata": {"name": "a"}}
        assert event["responseObject"]["metadata"]["name"] == "a"
        table = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        await server.get(f"{ACCOUNTS}?pretty=true", headers=table)
        assert sink.events[1]["responseObject"]["kind"] == "Table"
        assert all(line.count(b"\n") == 0 for line in sink.lines)


async def test_managed_fields_are_left_out_where_the_policy_says_so() -> None:
    async with _audited({**EVERYTHING, "omitManagedFields": True}) as (server, sink):
        labelled = {"metadata": {"name": "a", "labels": {"x": "y"}}}
        await server.request("POST", f"{ACCOUNTS}?fieldManager=test", labelled)
        made = await server.get(f"{ACCOUNTS}/a")
        await server.get(ACCOUNTS)
        await server.get(ACCOUNTS, headers={"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})
        assert "managedFields" in made.text
        assert not any(b"managedFields" in line for line in sink.lines)
        assert sink.events[1]["responseObject"]["metadata"]["uid"]


async def test_no_value_is_on_record_at_any_level() -> None:
    """Bodies with values where they belong, where they don't, and in patches and lists."""
    async with _audited({"level": "RequestResponse"}) as (server, sink):
        secret = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"k": CANARY}}
        await server.request("POST", f"{NAMESPACE}/secrets", secret)
        await server.request("PUT", f"{NAMESPACE}/secrets/a", secret)
        patch = {"data": {"more": CANARY}}
        await server.request("PATCH", f"{NAMESPACE}/secrets/a", patch, content_type=MERGE)
        await server.request("POST", f"{NAMESPACE}/configmaps", {**secret, "kind": "ConfigMap"})
        for path in ("secrets", "secrets/a", "configmaps", "configmaps/a"):
            assert CANARY in (await server.get(f"{NAMESPACE}/{path}")).text
        for wrong in (
            ACCOUNTS,
            f"{NAMESPACE}/pods",
            "/api/v1/namespaces",
            "/apis/apps/v1/namespaces/default/x",
        ):
            assert (await server.request("POST", wrong, secret)).status >= 400
            listed = {"kind": "List", "apiVersion": "v1", "items": [secret]}
            assert (await server.request("POST", wrong, listed)).status >= 400
        bad = b'{"kind":"Secret","data":{"k":"' + CANARY.encode() + b'",}}'
        for path in (f"{NAMESPACE}/secrets", ACCOUNTS):
            assert (await server.request("POST", path, bad)).status == 400
        strict = f"{NAMESPACE}/secrets/a?fieldValidation=Strict"
        unknown = {"datum": {"k": CANARY}}
        assert (await server.request("PATCH", strict, unknown, content_type=MERGE)).status == 422
        await server.request("DELETE", f"{NAMESPACE}/secrets")
        assert len(sink.lines) > 30
        assert not any(CANARY.encode() in line for line in sink.lines)


PLACES = (
    *("secrets", "secrets/a", "secrets/a/status", "configmaps", "configmaps/a", "serviceaccounts", "pods/p"),
    *("serviceaccounts/a", "serviceaccounts/a/token", "pods", "pods/p/status", "events", "resourcequotas"),
    *("services", "endpoints/a", "nothing", "nothing/a", "", "secrets/a/b/c", "pods/p/eviction", "bindings"),
)
BODIES: tuple[Any, ...] = (
    {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"k": CANARY}},
    {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}, "stringData": {"k": CANARY}},
    {"metadata": {"name": "a"}, "data": {"k": CANARY}},
    {"data": {"k": CANARY}, "stringData": {"k": CANARY}},
    {"kind": "List", "apiVersion": "v1", "items": [{"kind": "Secret", "data": {"k": CANARY}}]},
    {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"k": CANARY}},
    [
        {"op": "add", "path": "/data/k", "value": CANARY},
        {"op": "add", "path": "/stringData", "value": CANARY},
    ],
    [{"op": "replace", "path": "", "value": {"data": {"k": CANARY}}}, CANARY],
    b'{"data":{"k":"' + CANARY.encode() + b'"',
    b"data: {k: " + CANARY.encode() + b"}\n",
    CANARY,
)
MEDIA = (
    *("application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "text/plain", ""),
    *(
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/json-patch+json",
    ),
    "application/apply-patch+yaml",
)


@pytest.mark.slow
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_request_at_random_puts_a_value_on_record(data: st.DataObject) -> None:
    """An administrator sends values to where they belong, and to where they don't."""
    async with _audited({"level": "RequestResponse"}) as (server, sink):
        await server.create_secret("a", data={"k": CANARY})
        await server.request("POST", ACCOUNTS, {"metadata": {"name": "a"}})
        for _ in range(8):
            place = data.draw(st.sampled_from(PLACES))
            group = data.draw(st.sampled_from((NAMESPACE, NAMESPACE, "/apis/apps/v1/namespaces/default")))
            query = data.draw(st.sampled_from(("", "?fieldValidation=Strict", "?dryRun=All", "?force=true")))
            await server.request(
                data.draw(st.sampled_from(("POST", "PUT", "PATCH", "DELETE", "GET"))),
                f"{group}/{place}{query}",
                data.draw(st.sampled_from(BODIES)),
                content_type=data.draw(st.sampled_from(MEDIA)),
            )
        assert len(sink.lines) >= 10
        assert not any(CANARY.encode() in line for line in sink.lines)


async def test_no_token_is_on_record_at_any_level() -> None:
    async with _audited({"level": "RequestResponse"}) as (server, sink):
        await server.request("POST", ACCOUNTS, {"metadata": {"name": "a"}})
        path = f"{ACCOUNTS}/a/token"
        token = (await server.request("POST", path, {"spec": {}})).json["status"]["token"]
        reviews = "/apis/authentication.k8s.io/v1/tokenreviews"
        reviewed = await server.request("POST", reviews, {"spec": {"token": token}})
        assert reviewed.json["status"]["authenticated"] is True
        assert not any(token.encode() in line for line in sink.lines)
        levels = {event["objectRef"]["resource"]: event["level"] for event in sink.events}
        assert levels["tokenreviews"] == "Metadata"


async def test_a_failure_is_on_record_with_its_status() -> None:
    async with _audited({**EVERYTHING, "level": "Metadata"}) as (server, sink):
        await server.get(f"{NAMESPACE}/secrets/missing")
        await server.get(f"{NAMESPACE}/secrets", token="nobody")
        missing, refused = (event["responseStatus"] for event in sink.events)
        assert missing == {
            "metadata": {},
            "status": "Failure",
            "message": 'secrets "missing" not found',
            "reason": "NotFound",
            "details": {"name": "missing", "kind": "secrets"},
            "code": 404,
        }
        assert (refused["reason"], refused["code"]) == ("Forbidden", 403)
        assert 'User "nobody" cannot list resource "secrets"' in refused["message"]


async def test_a_request_is_on_record_when_it_comes_if_the_policy_says_so() -> None:
    async with _audited({"level": "Metadata"}) as (server, sink):
        await server.get(f"{NAMESPACE}/secrets", headers={"impersonate-user": "jane"})
        assert [event["stage"] for event in sink.events] == ["RequestReceived", "ResponseComplete"]
        received, complete = sink.events
        assert received["auditID"] == complete["auditID"]
        assert "responseStatus" not in received
        assert received["user"]["username"] == "kubernetes-admin", "who sends it, not whom they act as"
        assert (complete["user"]["username"], complete["impersonatedUser"]["username"]) == (
            "kubernetes-admin",
            "jane",
        )


async def test_nothing_is_done_for_a_read_of_secrets_that_cannot_be_put_on_record_as_it_comes() -> None:
    async with _audited({"level": "Metadata", "omitStages": ["ResponseComplete"]}) as (server, sink):
        await server.create_secret("a", data={"k": CANARY})
        sink.failing = True
        answer = await server.get(f"{NAMESPACE}/secrets/a")
        assert answer.status == 500 and CANARY not in answer.text


async def test_patches_and_deletions_that_answer_with_values_need_the_log_too() -> None:
    async with _audited({**EVERYTHING, "level": "Metadata"}) as (server, sink):
        await server.create_secret("a", data={"k": CANARY})
        sink.failing = True
        for method, path in (("PATCH", "secrets/a"), ("DELETE", "secrets")):
            body: dict[str, str] | None = {} if method == "PATCH" else None
            answer = await server.request(method, f"{NAMESPACE}/{path}", body, content_type=MERGE)
            assert answer.status == 500 and CANARY not in answer.text


async def test_an_answer_that_is_shown_leaves_after_it_is_on_record() -> None:
    async with _audited(EVERYTHING) as (server, sink):
        order: list[str] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            order.append(f"{message['type']} after {len(sink.lines)}")

        headers = [(b"authorization", b"Bearer admin")]
        scope = {"type": "http", "method": "GET", "path": ACCOUNTS, "query_string": b"", "headers": headers}
        await server.app(scope, receive, send)
        assert order == ["http.response.start after 1", "http.response.body after 1"]


async def test_an_error_that_nobody_foresaw_is_of_the_stage_panic(monkeypatch: pytest.MonkeyPatch) -> None:
    async with _audited(EVERYTHING) as (server, sink):

        async def broken(*_: Any) -> None:
            raise RuntimeError(CANARY)

        monkeypatch.setattr(Registry, "get", broken)
        assert (await server.get(f"{NAMESPACE}/secrets/a")).status == 500
        (event,) = sink.events
        assert event["stage"] == "Panic"
        assert event["responseStatus"] == {
            "metadata": {},
            "status": "Failure",
            "message": "APIServer panic'd: RuntimeError",
            "reason": "InternalError",
            "code": 500,
        }
        assert CANARY.encode() not in sink.lines[0]


async def test_stages_that_are_omitted_are_not_recorded() -> None:
    rule = {"level": "Metadata", "omitStages": ["ResponseComplete"]}
    async with _audited(rule, omitStages=["RequestReceived"]) as (server, sink):
        assert (await server.get(f"{NAMESPACE}/secrets")).status == 200
        assert sink.lines == []


async def test_a_watch_shows_no_objects_at_any_level() -> None:
    async with _audited(EVERYTHING) as (server, sink):
        await server.request("POST", ACCOUNTS, {"metadata": {"name": "a"}})
        sink.lines.clear()
        query = [("watch", "true"), ("timeoutSeconds", "1")]
        async with server.transport().stream("GET", ACCOUNTS, query=query) as answer:
            assert b'"ADDED"' in await anext(answer.chunks)
            (started,) = sink.events
            assert started["stage"] == "ResponseStarted" and "responseObject" not in started
