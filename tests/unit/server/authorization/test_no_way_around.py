"""No spelling of a path leads around authorization to a value."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

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


@pytest.fixture
async def server() -> AsyncIterator[APIServer]:
    """`nobody` may read the Secret `a` of `default`; all others hold the canary."""
    async with api_server.running() as running:
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


async def _ask(server: APIServer, method: str, path: str, query: bytes, token: bytes) -> tuple[int, bytes]:
    sent: list[Any] = []
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(asked, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", b"Bearer " + token)] if token else []
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
    await server.app(scope, receive, send)
    return int(sent[0]["status"]), b"".join(message.get("body", b"") for message in sent[1:])


async def test_the_canary_can_be_seen_at_all(server: APIServer) -> None:
    path = "/api/v1/namespaces/default/secrets"
    assert CANARY in (await _ask(server, "GET", f"{path}/b", b"", b"admin"))[1]
    assert OPEN in (await _ask(server, "GET", f"{path}/a", b"", b"nobody"))[1]
    assert OPEN in (await _ask(server, "GET", path, b"fieldSelector=metadata.name=a", b"nobody"))[1]


@pytest.mark.slow
@settings(deadline=None, max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_path_and_query_lead_to_a_value(server: APIServer, data: st.DataObject) -> None:
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
    path = "/" + "/".join(parts).removeprefix("/")
    method = data.draw(
        st.sampled_from(("GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "get", "X"))
    )
    query, token = data.draw(st.sampled_from(QUERIES)), data.draw(st.sampled_from((b"", b"x", b"nobody")))
    status, body = await _ask(server, method, path, query, token)
    assert CANARY not in body, (method, path, query)
    if token != b"nobody":
        assert OPEN not in body and status in (401, 404, 200, 400, 405)
    for name, namespace in (("b", "default"), ("a", "kube-system")):
        assert server.catalog.lookup("", "v1", "secrets").find(namespace, name) is not None  # type: ignore[union-attr]
