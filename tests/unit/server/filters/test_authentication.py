import pytest

from strongroom.testing.api_server import APIServer


@pytest.mark.parametrize("token", ["", "wrong"])
@pytest.mark.parametrize(
    "path", ["/api", "/api/v1/secrets", "/", "/foo", "/healthzz", "/versionx", "/openapi/v3"]
)
async def test_unknown_clients_get_nothing(server: APIServer, token: str, path: str) -> None:
    answer = await server.get(path, token=token)
    assert answer.status == 401
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    assert "x-content-type-options" not in answer.headers  # As upstream: only a 403 has it.
    assert answer.headers["audit-id"]


async def test_wrong_credential_is_refused_even_where_none_is_needed(server: APIServer) -> None:
    assert (await server.get("/readyz", token="wrong")).status == 401
    assert (await server.get("/readyz", token="")).status == 200
