"""No spelling of a path leads around authorization to a value."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.aio.clock import FakeClock
from strongroom.server.audit import policy
from strongroom.server.audit.recorder import Recorder
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer
from strongroom.testing.audit import Sink

RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
CANARY = b"Y2FuYXJ5LXZhbHVl"
OPEN = b"b3Blbi12YWx1ZQ"

PARTS = (
    "api", "apis", "v1", "v1beta1", "namespaces", "default", "kube-system", "secrets", "a", "b", "", ".",
    "..", "watch", "status", "finalize", "Secrets", "SECRETS", "secrets ", " secrets", "secrets\t",
    "default/", "*", "a/b", "a,b", "a\x00", "b\x00", "%2f", "..%2fb", "%2e%2e", "secrets;a",
    "secrets?name=b", "core", "\u2024", "pods", "configmaps", "log", "exec", "bindings", "b/", "b/.", "B",
)  # fmt: skip
QUERIES = (
    b"", b"watch=true", b"watch=1&resourceVersion=0&timeoutSeconds=1", b"fieldSelector=metadata.name=a",
    b"fieldSelector=metadata.name%3Db", b"fieldSelector=metadata.name=a,metadata.name=b", b"limit=500",
    b"fieldSelector=metadata.name!=a", b"fieldSelector=metadata.name=a&fieldSelector=metadata.name=b",
    b"labelSelector=x", b"resourceVersion=0", b"namespace=kube-system", b"fieldSelector=metadata.name==b",
)  # fmt: skip
PLAIN = ("", "api", "v1", "namespaces", "default", "secrets", "b")


HEADERS = (
    (), ((b"impersonate-user", b"kubernetes-admin"),), ((b"impersonate-user", b""),),
    ((b"impersonate-group", b"system:masters"),), ((b"impersonate-extra-x", b"y"),),
    ((b"impersonate-user", b"nobody"), (b"impersonate-user", b"kubernetes-admin")),
    ((b"x-remote-user", b"kubernetes-admin"), (b"x-remote-group", b"system:masters")),
    ((b"x-original-url", b"/api/v1/secrets"), (b"x-rewrite-url", b"/api/v1/secrets")),
    ((b"x-http-method-override", b"GET"),), ((b"accept", b"application/json;as=Table;v=v1;g=meta.k8s.io"),),
    ((b"audit-id", b"\xff\x00\r\n"),), ((b"host", b"kubernetes.default.svc"), (b"connection", b"upgrade")),
)  # fmt: skip


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def server(sink: Sink) -> AsyncIterator[APIServer]:
    """`nobody` may read the Secret `a` of `default`; all others hold the canary."""
    recorder = Recorder(policy.DEFAULT, sink, FakeClock())
    async with api_server.running(recorder=recorder) as running:
        await running.create_secret("a", data={"key": OPEN.decode() + "=="})
        await running.create_secret("b", data={"key": CANARY.decode()})
        await running.create_secret("a", "kube-system", data={"key": CANARY.decode()})
        verbs = ["get", "list", "watch"]
        rule = {"verbs": verbs, "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"]}
        role = {"metadata": {"name": "r"}, "rules": [rule]}
        subject = {"kind": "User", "name": "nobody", "apiGroup": "rbac.authorization.k8s.io"}
        reference = {"kind": "Role", "name": "r"}
        binding = {"metadata": {"name": "b"}, "roleRef": reference, "subjects": [subject]}
        assert (await running.request("POST", f"{RBAC}/roles", role)).status == 201
        assert (await running.request("POST", f"{RBAC}/rolebindings", binding)).status == 201
        yield running


async def _ask(
    server: APIServer,
    method: str,
    path: str,
    query: bytes,
    token: bytes,
    more: tuple[tuple[bytes, bytes], ...] = (),
) -> tuple[int, bytes]:
    sent: list[Any] = []
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(asked, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [*([(b"authorization", b"Bearer " + token)] if token else []), *more]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
    await server.app(scope, receive, send)
    return int(sent[0]["status"]), b"".join(message.get("body", b"") for message in sent[1:])


async def test_the_canary_can_be_seen_at_all(server: APIServer) -> None:
    path = "/api/v1/namespaces/default/secrets"
    assert CANARY in (await _ask(server, "GET", f"{path}/b", b"", b"admin"))[1]
    assert OPEN in (await _ask(server, "GET", f"{path}/a", b"", b"nobody"))[1]
    assert OPEN in (await _ask(server, "GET", path, b"fieldSelector=metadata.name=a", b"nobody"))[1]


def _path(data: st.DataObject) -> str:
    """A path to the Secret `b` with some of its parts changed; or any text at all."""
    if data.draw(st.integers(0, 9)) == 0:
        return "/" + data.draw(st.text(max_size=60))
    parts = list(PLAIN)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(parts) - 1))
        match data.draw(st.sampled_from(("set", "insert", "remove"))):
            case "set":
                parts[at] = data.draw(st.sampled_from(PARTS))
            case "insert":
                parts.insert(at, data.draw(st.sampled_from(PARTS)))
            case _:
                del parts[at]
        if not parts:
            break
    return "/" + "/".join(parts).removeprefix("/")


@pytest.mark.slow
@settings(deadline=None, max_examples=700, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_path_query_and_header_lead_to_a_value(
    server: APIServer, sink: Sink, data: st.DataObject
) -> None:
    path, query = _path(data), data.draw(st.sampled_from(QUERIES))
    method = data.draw(
        st.sampled_from(("GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "get", "X"))
    )
    token, more = data.draw(st.sampled_from((b"", b"x", b"nobody"))), data.draw(st.sampled_from(HEADERS))
    sink.lines.clear()
    status, body = await _ask(server, method, path, query, token, more)
    assert CANARY not in body, (method, path, query, more)
    assert status in (200, 400, 401, 403, 404, 405, 406, 415), (status, method, path, query, more)
    if token != b"nobody":
        assert OPEN not in body and status in (401, 403, 404, 200, 400, 405)
    if status in (400, 401, 403) or (status == 404 and not path.startswith("/api")):
        (event,) = sink.events
        assert event["responseStatus"]["code"] == status
    assert not any(value in line for line in sink.lines for value in (CANARY, OPEN, b"Bearer"))
    for name, namespace in (("b", "default"), ("a", "kube-system")):
        assert server.catalog.lookup("", "v1", "secrets").find(namespace, name) is not None  # type: ignore[union-attr]


B = "/api/v1/namespaces/default/secrets/b"
TRICKS = (
    "/api/v1/namespaces/default/secrets/../secrets/b", "/api/v1/namespaces/default/secrets/a/../b",
    "/api/v1/namespaces/default/secrets/a/..", "/api/v1/namespaces/default/secrets/./b", f"/.{B}", f"/..{B}",
    f"/healthz/..{B}", f"/version/..{B}", f"/readyz/{B}", f"/livez/../..{B}", f"/{B}", f"//{B}",
    "/api//v1/namespaces/default/secrets/b", "/api/v1//namespaces/default/secrets/b",
    "/api/v1/namespaces//default/secrets/b", "/api/v1/namespaces/default//secrets/b",
    "/api/v1/namespaces/default/secrets//b", f"{B}/", f"{B}//", f"{B}/.", f"{B}/..", f"{B}/b", f"{B} ",
    "/API/v1/namespaces/default/secrets/b", "/api/V1/namespaces/default/secrets/b",
    "/api/v1/Namespaces/default/secrets/b", "/api/v1/namespaces/Default/secrets/b",
    "/api/v1/namespaces/default/Secrets/b", "/api/v1/namespaces/default/secrets/B",
    "/apis//v1/namespaces/default/secrets/b", "/apis/v1/namespaces/default/secrets/b",
    "/apis/core/v1/namespaces/default/secrets/b", "/api/v1/secrets/b", "/api/v1/secrets",
    "/api/v1/watch/secrets", "/api/v1/watch/namespaces/default/secrets/b", "/api/v1/proxy" + B[7:],
    f"{B}\0", "/api/v1/namespaces/default/secrets/\0b", f"{B}%00", f"{B}%2f", f"{B}\\", f"{B};x=y", f"{B}?x",
    f"{B}#x", "/api/v1/namespaces/default%2fsecrets/b", "/%61pi" + B[4:], f"{B}\udcff", f"{B}\r\nX: y",
    B + "b" * 100_000, "/" + "a/" * 50_000, "/.." * 1000 + B, "/api/v1/namespaces/" * 100 + "secrets/b",
)  # fmt: skip


@pytest.mark.parametrize("token", [b"", b"wrong", b"nobody"])
async def test_a_trick_with_the_path_is_refused_and_on_record(
    server: APIServer, sink: Sink, token: bytes
) -> None:
    for path in TRICKS:
        sink.lines.clear()
        status, body = await _ask(server, "GET", path, b"", token)
        assert CANARY not in body and OPEN not in body, path
        open_to_all = path.startswith(("/healthz", "/version", "/readyz", "/livez"))
        refused = (403, 404) if token == b"nobody" else (401, 403, 404) if open_to_all else (401,)
        assert status in refused, (path[:99], body)
        (event,) = sink.events
        assert event["responseStatus"]["code"] == status, path[:99]
        assert event["stage"] == "ResponseComplete"


async def test_who_may_read_everything_is_not_helped_by_a_trick_either(server: APIServer) -> None:
    """What is no path of the API is none for an administrator: nothing is cleaned up on the way."""
    proper = (f"{B}/", f"{B}//", "/api/v1/secrets", "/api/v1/watch/secrets", f"/api/v1/watch{B[7:]}")
    for path in TRICKS:
        if path not in proper:
            status, body = await _ask(server, "GET", path, b"", b"admin")
            assert status in (400, 404), (path[:99], status, body)
            assert CANARY not in body
