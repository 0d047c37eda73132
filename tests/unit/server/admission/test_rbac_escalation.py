"""Nobody grants what they do not hold."""

from typing import Any

import pytest

from strongroom.testing.api_server import APIServer

RBAC = "/apis/rbac.authorization.k8s.io/v1"
HERE = f"{RBAC}/namespaces/default"
NOBODY = {"kind": "User", "name": "nobody", "apiGroup": "rbac.authorization.k8s.io"}
GROUP = "rbac.authorization.k8s.io"


@pytest.fixture
async def limited(server: APIServer) -> APIServer:
    """`nobody` may write all RBAC objects of the namespace, and read Secrets there."""
    rules = [
        {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["secrets"]},
        {"verbs": ["*"], "apiGroups": [""], "resources": ["configmaps"]},
        {
            "verbs": ["create", "update", "get", "patch"],
            "apiGroups": [GROUP],
            "resources": ["roles", "rolebindings"],
        },
    ]
    await _ok(server, f"{HERE}/roles", {"metadata": {"name": "writer"}, "rules": rules})
    await _ok(server, f"{HERE}/rolebindings", _binding("writer", "Role", "writer"))
    return server


def _binding(name: str, kind: str, role: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "roleRef": {"kind": kind, "name": role}, "subjects": [NOBODY]}


async def _ok(server: APIServer, path: str, body: dict[str, Any], **more: Any) -> None:
    answer = await server.request("POST", path, body, **more)
    assert answer.status == 201, answer.text


def _role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "rules": list(rules)}


async def test_what_one_holds_one_may_grant(limited: APIServer) -> None:
    held = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"]}
    part = {"verbs": ["create", "list"], "apiGroups": [""], "resources": ["configmaps"]}
    await _ok(limited, f"{HERE}/roles", _role("mine", held, part), token="nobody")
    await _ok(limited, f"{HERE}/rolebindings", _binding("b", "Role", "mine"), token="nobody")


async def test_a_role_beyond_what_its_writer_holds_is_refused_with_what_is_missing(
    limited: APIServer,
) -> None:
    rules = [
        {"verbs": ["get", "delete", "create"], "apiGroups": [""], "resources": ["secrets"]},
        {"verbs": ["get"], "apiGroups": ["apps", ""], "resources": ["pods/log"], "resourceNames": ["x"]},
    ]
    answer = await limited.request("POST", f"{HERE}/roles", _role("more", *rules), token="nobody")
    assert answer.status == 403
    assert answer.json["message"] == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "nobody" '
        '(groups=["system:authenticated"]) '
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods/log"], ResourceNames:["x"], Verbs:["get"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["delete" "create"]}\n'
        '{APIGroups:["apps"], Resources:["pods/log"], ResourceNames:["x"], Verbs:["get"]}'
    )


@pytest.mark.parametrize(
    "rule",
    [
        {"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"]},
        {"verbs": ["get"], "apiGroups": ["*"], "resources": ["secrets"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["*"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets/x"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["*/log"]},
    ],
)
async def test_wildcards_are_more_than_what_they_stand_for(limited: APIServer, rule: dict[str, Any]) -> None:
    answer = await limited.request("POST", f"{HERE}/roles", _role("more", rule), token="nobody")
    assert answer.status == 403


async def test_an_update_or_patch_may_not_add_what_its_writer_lacks(limited: APIServer) -> None:
    path = f"{HERE}/roles/target"
    strong = {"verbs": ["delete"], "apiGroups": [""], "resources": ["pods"]}
    await _ok(limited, f"{HERE}/roles", _role("target", strong))
    labelled = await limited.request(
        "PATCH",
        path,
        {"metadata": {"labels": {"a": "b"}}},
        token="nobody",
        content_type="application/merge-patch+json",
    )
    assert labelled.status == 200, "unchanged rules are no grant"
    stronger = {**strong, "verbs": ["delete", "create"]}
    answer = await limited.request("PUT", path, _role("target", stronger), token="nobody")
    assert answer.status == 403
    patched = await limited.request(
        "PATCH", path, {"rules": [stronger]}, token="nobody", content_type="application/merge-patch+json"
    )
    assert patched.status == 403


async def test_a_binding_to_a_role_that_allows_more_is_refused(limited: APIServer) -> None:
    for kind, role in (("ClusterRole", "cluster-admin"), ("ClusterRole", "edit")):
        answer = await limited.request(
            "POST", f"{HERE}/rolebindings", _binding("b", kind, role), token="nobody"
        )
        assert answer.status == 403
        assert (
            'rolebindings.rbac.authorization.k8s.io "b" is forbidden: user "nobody"' in answer.json["message"]
        )


async def test_a_binding_to_an_unknown_role_is_not_found(limited: APIServer) -> None:
    answer = await limited.request(
        "POST", f"{HERE}/rolebindings", _binding("b", "Role", "unknown"), token="nobody"
    )
    assert answer.status == 404
    assert answer.json["message"] == 'roles.rbac.authorization.k8s.io "unknown" not found'


@pytest.mark.parametrize(("verb", "works"), [("bind", True), ("escalate", False), ("get", False)])
async def test_the_verb_bind_excuses_a_binding(limited: APIServer, verb: str, works: bool) -> None:
    rule = {"verbs": [verb], "apiGroups": [GROUP], "resources": ["clusterroles"], "resourceNames": ["edit"]}
    await _ok(limited, f"{HERE}/roles", _role("excuse", rule))
    await _ok(limited, f"{HERE}/rolebindings", _binding("excuse", "Role", "excuse"))
    for role, expected in (("edit", works), ("admin", False)):
        answer = await limited.request(
            "POST", f"{HERE}/rolebindings", _binding(role, "ClusterRole", role), token="nobody"
        )
        assert (answer.status == 201) is expected


@pytest.mark.parametrize(("verb", "works"), [("bind", False), ("escalate", True)])
async def test_the_verb_escalate_excuses_a_role(limited: APIServer, verb: str, works: bool) -> None:
    rule = {"verbs": [verb], "apiGroups": [GROUP], "resources": ["roles"]}
    await _ok(limited, f"{HERE}/roles", _role("excuse", rule))
    await _ok(limited, f"{HERE}/rolebindings", _binding("excuse", "Role", "excuse"))
    strong = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    answer = await limited.request("POST", f"{HERE}/roles", _role("more", strong), token="nobody")
    assert (answer.status == 201) is works


async def test_aggregation_needs_everything(server: APIServer) -> None:
    creator = {"verbs": ["create"], "apiGroups": [GROUP], "resources": ["clusterroles"]}
    await _ok(server, f"{RBAC}/clusterroles", _role("creator", creator))
    await _ok(server, f"{RBAC}/clusterrolebindings", _binding("creator", "ClusterRole", "creator"))
    selectors = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    body = {"metadata": {"name": "agg"}, "aggregationRule": selectors}
    answer = await server.request("POST", f"{RBAC}/clusterroles", body, token="nobody")
    assert answer.status == 403
    assert '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}' in answer.json["message"]


async def test_rules_too_many_to_compare_are_refused_in_bounded_time(limited: APIServer) -> None:
    many = [f"r{number}" for number in range(100)]
    rule = {"verbs": many, "apiGroups": many, "resources": many, "resourceNames": many}
    answer = await limited.request("POST", f"{HERE}/roles", _role("more", rule), token="nobody")
    assert answer.status == 403
    assert "too many to be compared" in answer.json["message"]
