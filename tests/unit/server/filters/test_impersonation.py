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


@pytest.mark.parametrize("headers", [{"group": "dev"}, {"uid": "1"}, {"user": "", "group": "dev"}])
async def test_groups_without_a_user_are_no_identity(server: APIServer, headers: dict[str, str]) -> None:
    assert (await _me(server, **headers))[0] == 400
