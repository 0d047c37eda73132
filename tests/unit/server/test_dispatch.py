import pytest

from strongroom.testing.api_server import APIServer

SERVER_DOES_NOT_ALLOW = "the server does not allow this method on the requested resource"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/foos",
        "/api/v2/secrets",
        "/api/v1/namespaces/default/foos/a",
        "/api/v1/namespaces/default/secrets/a/status",
        "/api/v1/secrets/a",
        "/api/v1/namespaces/default/nodes",
        "/api/v1/namespaces/default/nodes/n",
        "/api/v1/nodes/n/foo",
        "/api/v7",
    ],
)
async def test_unknown_resources(server: APIServer, path: str) -> None:
    answer = await server.get(path)
    assert answer.status == 404
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "the server could not find the requested resource",
        "reason": "NotFound",
        "details": {},
        "code": 404,
    }


@pytest.mark.parametrize(
    "path", ["/foo", "/apis/foo", "/apis/foo/v1", "/apis/foo/v1/bars", "/healthz/foo", "/apifoo"]
)
async def test_other_unknown_paths(server: APIServer, path: str) -> None:
    answer = await server.get(path)
    assert answer.status == 404
    assert answer.text == "404 page not found\n"
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/namespaces/default/secrets/a"),
        ("PUT", "/api/v1/namespaces/default/secrets"),
        ("PATCH", "/api/v1/namespaces/default/secrets"),
        ("POST", "/api/v1/secrets"),
        ("DELETE", "/api/v1/secrets"),
        ("DELETE", "/api/v1/namespaces"),
        ("OPTIONS", "/api/v1/namespaces/default/secrets"),
        ("GET", "/api/v1/namespaces/default/finalize"),
        ("DELETE", "/api/v1/nodes/n/status"),
        ("POST", "/api/v1"),
        ("POST", "/version"),
        ("DELETE", "/.well-known/openid-configuration"),
        ("POST", "/openid/v1/jwks"),
        ("POST", "/apis/apps/v1"),
        ("DELETE", "/api"),
    ],
)
async def test_wrong_methods(server: APIServer, method: str, path: str) -> None:
    answer = await server.request(method, path, {"metadata": {"name": "a"}})
    assert answer.status == 405
    assert answer.json["message"] == SERVER_DOES_NOT_ALLOW
    assert answer.json["reason"] == "MethodNotAllowed"
    assert answer.json["details"] == {}


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path",
    ["/apis", "/apis/apps", "/openapi/v2", "/openapi/v3", "/readyz", "/livez/etcd", "/healthz", "/metrics"],
)
async def test_what_kubernetes_answers_by_whatever_method(server: APIServer, method: str, path: str) -> None:
    assert (await server.request(method, path)).status == 200


@pytest.mark.parametrize(
    "path", ["/apis/apps/v9", "/apis/apps/v9/deployments", "/apis/apps/v9/a/b/c/d", "/api/v9/pods"]
)
async def test_below_a_group_that_is_served_there_is_a_status(server: APIServer, path: str) -> None:
    answer = await server.get(path)
    assert answer.status == 404
    assert answer.json["message"] == "the server could not find the requested resource"


async def test_root_lists_the_paths(server: APIServer) -> None:
    paths = (await server.get("/")).json["paths"]
    assert {
        "/api",
        "/api/v1",
        "/apis",
        "/healthz",
        "/livez/ping",
        "/openapi/v2",
        "/openapi/v3",
        "/readyz/etcd",
        "/version",
    } <= set(paths)
    assert paths == sorted(paths)


async def test_version(server: APIServer) -> None:
    answer = await server.get("/version")
    assert answer.json["gitVersion"].startswith("v1.36.")
    assert (answer.json["major"], answer.json["minor"]) == ("1", "36")
    assert answer.text.startswith('{\n  "major"')
