"""What is on record of a request, and that nothing leaves before it is."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.server.audit import policy
from strongroom.server.audit.notes import Notes
from strongroom.server.audit.recorder import Recorder
from strongroom.server.request import Request
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer
from strongroom.testing.audit import Sink

SECRETS = "/api/v1/namespaces/default/secrets"
CANARY = "Y2FuYXJ5LXZhbHVl"


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def server(sink: Sink) -> AsyncIterator[APIServer]:
    clock = FakeClock()
    recorder = Recorder(policy.DEFAULT, sink, clock)
    async with api_server.running(clock=clock, recorder=recorder) as running:
        yield running


async def _send(server: APIServer, headers: list[tuple[bytes, bytes]], path: str) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    await server.app({**scope, "client": ("192.0.2.7", 4711)}, receive, send)
    return sent


async def test_a_read_of_a_secret_is_on_record_with_all_that_matters(server: APIServer, sink: Sink) -> None:
    await server.create_secret("a", data={"key": CANARY})
    sink.lines.clear()
    headers = [(b"authorization", b"Bearer admin"), (b"user-agent", b"test"), (b"audit-id", b"me")]
    await _send(server, headers, f"{SECRETS}/a")
    (event,) = sink.events
    assert event == {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "me",
        "stage": "ResponseComplete",
        "requestURI": f"{SECRETS}/a",
        "verb": "get",
        "user": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
        "sourceIPs": ["192.0.2.7"],
        "userAgent": "test",
        "objectRef": {"resource": "secrets", "namespace": "default", "name": "a", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-01-02T03:04:05Z",
        "stageTimestamp": "2026-01-02T03:04:05Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    }


@pytest.mark.parametrize("patch", [{"data": {"$patch": CANARY}}, {"$patch": "x", "data": {"a": CANARY}}])
async def test_the_text_that_refuses_a_patch_is_not_on_record(
    server: APIServer, sink: Sink, patch: dict[str, Any]
) -> None:
    """Kubernetes answers these with 500 and the patch."""
    await server.create_secret("a")
    media = "application/strategic-merge-patch+json"
    answer = await server.request("PATCH", f"{SECRETS}/a", patch, content_type=media)
    assert answer.status == 500 and CANARY in answer.text
    assert sink.events[-1]["responseStatus"]["code"] == 500
    assert not any(CANARY.encode() in line for line in sink.lines)


async def test_every_write_names_its_object_and_none_holds_a_value(server: APIServer, sink: Sink) -> None:
    await server.create_secret("a", data={"key": CANARY})
    patch = {"data": {"more": CANARY}}
    merge = "application/merge-patch+json"
    await server.request("PATCH", f"{SECRETS}/a", patch, content_type=merge)
    await server.request("PUT", f"{SECRETS}/a", {"metadata": {"name": "a"}, "data": {"key": CANARY}})
    await server.request("DELETE", f"{SECRETS}/a")
    generated = await server.request("POST", SECRETS, {"metadata": {"generateName": "g-"}})
    verbs = [(event["verb"], event["objectRef"]["name"]) for event in sink.events]
    name = generated.json["metadata"]["name"]
    assert verbs == [("create", "a"), ("patch", "a"), ("update", "a"), ("delete", "a"), ("create", name)]
    assert not any(CANARY.encode() in line for line in sink.lines)


@pytest.mark.parametrize(
    ("headers", "path", "code"),
    [
        ([], f"{SECRETS}/a", 401),
        ([(b"authorization", b"Bearer wrong")], f"{SECRETS}/a", 401),
        ([(b"authorization", b"Bearer admin"), (b"authorization", b"Bearer admin")], SECRETS, 401),
        ([(b"authorization", b"Bearer nobody")], f"{SECRETS}/a", 403),
        ([(b"authorization", b"Bearer nobody")], "/api/v1/namespaces/default/../kube-system/secrets/a", 403),
        ([(b"authorization", b"Bearer nobody")], "//api/v1/secrets", 403),
        ([(b"authorization", b"Bearer nobody")], "/metrics", 403),
    ],
)
async def test_who_is_turned_away_is_on_record(
    server: APIServer, sink: Sink, headers: list[tuple[bytes, bytes]], path: str, code: int
) -> None:
    (start, *_) = await _send(server, headers, path)
    assert start["status"] == code
    (event,) = sink.events
    assert event["responseStatus"]["code"] == code
    assert b"Bearer" not in sink.lines[0] and b"wrong" not in sink.lines[0]
    if code == 403:
        assert event["annotations"]["authorization.k8s.io/decision"] == "forbid"


async def test_health_and_discovery_are_not_on_record(server: APIServer, sink: Sink) -> None:
    for path in ("/readyz", "/api", "/version", "/openapi/v3"):
        assert (await server.get(path)).status == 200
    assert sink.lines == []


async def test_components_are_on_record_for_secrets_alone(server: APIServer, sink: Sink) -> None:
    await server.get("/api/v1/pods", token="controllers")
    assert sink.lines == []
    await server.get("/api/v1/secrets", token="controllers")
    assert [event["verb"] for event in sink.events] == ["list"]


async def test_an_answer_leaves_after_its_event_is_written(server: APIServer, sink: Sink) -> None:
    await server.create_secret("a")
    sink.lines.clear()
    order: list[str] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        order.append(f"{message['type']} after {len(sink.lines)}")

    headers = [(b"authorization", b"Bearer admin")]
    scope = {"type": "http", "method": "GET", "path": f"{SECRETS}/a", "query_string": b"", "headers": headers}
    await server.app(scope, receive, send)
    assert order == ["http.response.start after 1", "http.response.body after 1"]


async def test_no_secret_is_read_while_the_log_cannot_be_written(server: APIServer, sink: Sink) -> None:
    await server.create_secret("a", data={"key": CANARY})
    sink.failing = True
    for path in (f"{SECRETS}/a", SECRETS, f"{SECRETS}?watch=true"):
        answer = await server.get(path)
        assert answer.status == 500, path
        assert CANARY not in answer.text
    assert (await server.get("/api/v1/namespaces/default/configmaps")).status == 200
    sink.failing = False
    assert (await server.get(f"{SECRETS}/a")).status == 200
    text = (await server.get("/metrics")).text
    assert "\napiserver_audit_requests_rejected_total 3.0\n" in text
    assert f"\napiserver_audit_event_total {len(sink.events)}.0\n" in text


async def test_it_can_be_chosen_that_secrets_are_read_all_the_same(sink: Sink) -> None:
    recorder = Recorder(policy.DEFAULT, sink, FakeClock(), fail_open=True)
    async with api_server.running(recorder=recorder) as server:
        await server.create_secret("a")
        sink.failing = True
        assert (await server.get(f"{SECRETS}/a")).status == 200


async def test_a_watch_is_on_record_when_it_starts_and_when_it_ends(server: APIServer, sink: Sink) -> None:
    await server.create_secret("a")
    sink.lines.clear()
    query = [("watch", "true")]
    async with server.transport().stream("GET", SECRETS, query=query) as answer:
        await asyncio.wait_for(anext(answer.chunks), 2)
        assert [event["stage"] for event in sink.events] == ["ResponseStarted"]
    async with asyncio.timeout(2):
        while len(sink.lines) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert [event["stage"] for event in sink.events] == ["ResponseStarted", "ResponseComplete"]
    assert len({event["auditID"] for event in sink.events}) == 1


async def test_a_request_that_is_done_does_not_wait_for_the_garbage_collector(server: APIServer) -> None:
    await server.create_secret("a")
    gc.collect()
    gc.disable()
    try:
        headers = [(b"authorization", b"Bearer admin")]
        for _ in range(3):
            await _send(server, headers, f"{SECRETS}/a")
        assert not [each for each in gc.get_objects() if isinstance(each, Request | Notes)]
    finally:
        gc.enable()
