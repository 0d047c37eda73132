import pytest

from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.filters.authorization import denial
from strongroom.testing.api_server import APIServer


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        (
            "GET",
            "/api/v1/namespaces/default/secrets/x",
            'secrets "x" is forbidden: User "nobody" cannot get resource "secrets" in API group "" '
            'in the namespace "default"',
        ),
        (
            "GET",
            "/api/v1/secrets",
            'secrets is forbidden: User "nobody" cannot list resource "secrets" in API group "" '
            "at the cluster scope",
        ),
        (
            "GET",
            "/api/v1/namespaces/default/secrets?watch=1&fieldSelector=metadata.name=x",
            'secrets "x" is forbidden: User "nobody" cannot watch resource "secrets" in API group "" '
            'in the namespace "default"',
        ),
        (
            "POST",
            "/api/v1/namespaces/default/pods/p/binding",
            'pods "p" is forbidden: User "nobody" cannot create resource "pods/binding" in API group "" '
            'in the namespace "default"',
        ),
        (
            "DELETE",
            "/apis/apps/v1/namespaces/default/deployments/d",
            'deployments.apps "d" is forbidden: User "nobody" cannot delete resource "deployments" '
            'in API group "apps" in the namespace "default"',
        ),
        ("GET", "/metrics", 'forbidden: User "nobody" cannot get path "/metrics"'),
        ("GET", "/a<b>&c", 'forbidden: User "nobody" cannot get path "/a&lt;b&gt;&amp;c"'),
    ],
)
async def test_text(server: APIServer, method: str, path: str, message: str) -> None:
    answer = await server.request(method, path, token="nobody")
    assert answer.status == 403
    assert answer.json["message"] == message
    assert answer.json["reason"] == "Forbidden"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_details(server: APIServer) -> None:
    answer = await server.get("/apis/apps/v1/namespaces/default/deployments/d", token="nobody")
    assert answer.json["details"] == {"name": "d", "group": "apps", "kind": "deployments"}


async def test_body_of_who_may_not_write_is_not_looked_at(server: APIServer) -> None:
    answer = await server.request("POST", "/api/v1/namespaces/default/secrets", b"{", token="nobody")
    assert answer.status == 403


async def test_refusal_does_not_tell_whether_the_object_is_there(server: APIServer) -> None:
    await server.create_secret("a")
    there = await server.get("/api/v1/namespaces/default/secrets/a", token="nobody")
    missing = await server.get("/api/v1/namespaces/default/secrets/b", token="nobody")
    assert there.text.replace('\\"a\\"', "").replace('"a"', "") == missing.text.replace(
        '\\"b\\"', ""
    ).replace('"b"', "")


def test_reason_stands_behind_a_colon() -> None:
    info = RequestInfo(True, "get", "", "", "v1", "n", "secrets", "", "s")
    assert denial(UserInfo("u"), info, "because").message.endswith('in the namespace "n": because')
