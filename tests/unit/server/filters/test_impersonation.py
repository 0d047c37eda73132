"""Acting as someone else: for those who may, and then with exactly the other's rights."""

from typing import Any

import pytest

from strongroom.testing.api_server import APIServer

ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
SECRETS = "/api/v1/namespaces/default/secrets"


async def _me(server: APIServer, who: str = "admin", **headers: str) -> tuple[int, dict[str, Any]]:
    sent = {f"impersonate-{name.replace('_', '-')}": value for name, value in headers.items()}
    answer = await server.request("POST", ME, {}, token=who, headers=sent)
    return answer.status, answer.json


async def _may(server: APIServer, *rules: dict[str, Any]) -> None:
    """Give `nobody` rights everywhere."""
    await server.request("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "r"}, "rules": list(rules)})
    subject = {"kind": "User", "name": "nobody", "apiGroup": "rbac.authorization.k8s.io"}
    reference = {"kind": "ClusterRole", "name": "r"}
    body = {"metadata": {"name": "r"}, "roleRef": reference, "subjects": [subject]}
    assert (await server.request("POST", f"{RBAC}/clusterrolebindings", body)).status == 201


async def test_an_administrator_is_whoever_they_say(server: APIServer) -> None:
    status, review = await _me(server, user="jane", group="dev", extra_scopes="a")
    assert status == 201
    assert review["status"]["userInfo"] == {
        "username": "jane",
        "groups": ["dev", "system:authenticated"],
        "extra": {"scopes": ["a"]},
    }
    _, review = await _me(server, user="system:serviceaccount:default:app")
    assert review["status"]["userInfo"]["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    ]


async def test_whoever_acts_as_another_has_the_others_rights_and_not_their_own(server: APIServer) -> None:
    answer = await server.get(SECRETS, headers={"impersonate-user": "jane"})
    assert answer.status == 403 and 'User "jane" cannot list' in answer.json["message"]


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"user": "jane"}, 'users "jane" is forbidden: User "nobody" cannot impersonate resource "users"'),
        ({"user": "kubernetes-admin", "group": "system:masters"}, "cannot impersonate resource"),
        (
            {"user": "system:serviceaccount:default:app"},
            'cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default"',
        ),
    ],
)
async def test_others_are_refused(server: APIServer, headers: dict[str, str], text: str) -> None:
    status, answer = await _me(server, "nobody", **headers)
    assert status == 403 and text in answer["message"]


async def test_every_part_of_an_identity_must_be_allowed(server: APIServer) -> None:
    await _may(
        server,
        {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["jane"]},
        {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["groups"], "resourceNames": ["dev"]},
        {
            "verbs": ["impersonate"],
            "apiGroups": ["authentication.k8s.io"],
            "resources": ["userextras/scopes"],
            "resourceNames": ["a"],
        },
    )
    assert (await _me(server, "nobody", user="jane", group="dev", extra_scopes="a"))[0] == 201
    for more in ({"group": "system:masters"}, {"extra_scopes": "b"}, {"extra_other": "a"}, {"uid": "1"}):
        assert (await _me(server, "nobody", user="jane", **more))[0] == 403, more
    assert (await _me(server, "nobody", user="bob"))[0] == 403


@pytest.mark.parametrize(
    "headers",
    [{"group": "dev"}, {"uid": "1"}, {"extra_scopes": "a"}, {"user": "", "group": "dev"}, {"user": ""}],
)
async def test_parts_without_a_user_are_no_identity(server: APIServer, headers: dict[str, str]) -> None:
    assert (await _me(server, **headers))[0] == 400


async def _raw(server: APIServer, who: str, *more: tuple[bytes, bytes]) -> tuple[int, bytes]:
    """Whose review it is that is answered, with headers as they come in."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", b"Bearer " + who.encode()), (b"content-type", b"application/json"), *more]
    scope = {"type": "http", "method": "POST", "path": ME, "query_string": b"", "headers": headers}
    await server.app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    "more",
    [
        [(b"impersonate-user", b"jane"), (b"impersonate-user", b"kubernetes-admin")],
        [(b"impersonate-user", b""), (b"impersonate-user", b"jane")],
        [(b"impersonate-user", b"jane"), (b"impersonate-uid", b"1"), (b"impersonate-uid", b"2")],
        [(b"impersonate-user", b"jane\0")],
        [(b"impersonate-user", b"\xff\x00")],
        [(b"impersonate-extra-a", b"b")],
        [(b"impersonate-extra-", b"b")],
    ],
)
async def test_headers_that_say_two_things_or_half_of_one_are_refused(
    server: APIServer, more: list[tuple[bytes, bytes]]
) -> None:
    status, body = await _raw(server, "admin", *more)
    assert status == 400, body
    assert b'"username"' not in body


@pytest.mark.parametrize(
    "name", [b"x-remote-user", b"x-remote-group", b"x-forwarded-user", b"impersonate-foo"]
)
async def test_what_proxies_say_of_the_user_means_nothing(server: APIServer, name: bytes) -> None:
    """There is no front proxy that is believed."""
    status, body = await _raw(server, "nobody", (name, b"kubernetes-admin"), (name, b"system:masters"))
    assert status == 201 and b'"username":"nobody"' in body
    assert b"kubernetes-admin" not in body and b"masters" not in body
    status, body = await _raw(server, "wrong", (name, b"kubernetes-admin"))
    assert status == 401
