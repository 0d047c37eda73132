"""RBAC through the whole server: reasons, changes that count at once, default roles, reviews."""

import itertools
import random
from typing import Any

import pytest

from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.registry import bootstrap
from strongroom.server.authorization.authorizer import Decision
from strongroom.server.authorization.rbac import RBACAuthorizer
from strongroom.server.authorization.rbac_index import RBACIndex
from strongroom.testing.api_server import APIServer

RBAC = "/apis/rbac.authorization.k8s.io/v1"
AUTHORIZATION = "/apis/authorization.k8s.io/v1"
HERE = f"{RBAC}/namespaces/default"
NOBODY = {"kind": "User", "name": "nobody", "apiGroup": "rbac.authorization.k8s.io"}
SECRETS = "/api/v1/namespaces/default/secrets"


def role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "rules": list(rules)}


def rule(verbs: str, resources: str, group: str = "", **more: Any) -> dict[str, Any]:
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split(), **more}


def binding(name: str, kind: str, role_name: str, *subjects: dict[str, Any]) -> dict[str, Any]:
    reference = {"kind": kind, "name": role_name}
    return {"metadata": {"name": name}, "roleRef": reference, "subjects": list(subjects) or [NOBODY]}


async def make(server: APIServer, path: str, body: dict[str, Any]) -> None:
    answer = await server.request("POST", path, body)
    assert answer.status == 201, answer.text


async def test_a_role_counts_as_soon_as_its_binding_is_answered_and_no_longer_than_it_is_there(
    server: APIServer,
) -> None:
    await server.create_secret("a")
    assert (await server.get(f"{SECRETS}/a", token="nobody")).status == 403
    await make(server, f"{HERE}/roles", role("reader", rule("get", "secrets")))
    assert (await server.get(f"{SECRETS}/a", token="nobody")).status == 403
    await make(server, f"{HERE}/rolebindings", binding("b", "Role", "reader"))
    assert (await server.get(f"{SECRETS}/a", token="nobody")).status == 200
    assert (await server.get(SECRETS, token="nobody")).status == 403
    other = "/api/v1/namespaces/kube-system/secrets/a"
    assert (await server.get(other, token="nobody")).status == 403
    await server.request("PUT", f"{HERE}/roles/reader", role("reader", rule("list", "secrets")))
    assert (await server.get(f"{SECRETS}/a", token="nobody")).status == 403
    assert (await server.get(SECRETS, token="nobody")).status == 200
    await server.request("DELETE", f"{HERE}/rolebindings/b")
    assert (await server.get(SECRETS, token="nobody")).status == 403


async def test_who_is_taken_out_of_a_binding_may_nothing_by_it_any_more(server: APIServer) -> None:
    await make(server, f"{HERE}/roles", role("reader", rule("list", "secrets")))
    await make(server, f"{HERE}/rolebindings", binding("b", "Role", "reader"))
    assert (await server.get(SECRETS, token="nobody")).status == 200
    other = {**NOBODY, "name": "somebody"}
    answer = await server.request(
        "PUT", f"{HERE}/rolebindings/b", binding("b", "Role", "reader", {**NOBODY, "kind": "Group"}, other)
    )
    assert answer.status == 200
    assert (await server.get(SECRETS, token="nobody")).status == 403


def _may(index: RBACIndex) -> dict[tuple[str, str], tuple[list[str], list[str]]]:
    """All that each of a few may do, and what is missing for it."""
    index.catch_up()
    found = {}
    for name, namespace in itertools.product(("a", "b"), ("", "default", "kube-system")):
        held, problems = index.rules(UserInfo(name, groups=("g",)), namespace)
        found[name, namespace] = (sorted(map(repr, held)), sorted(problems))
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_an_index_that_followed_changes_at_random_is_one_that_is_made_anew(
    server: APIServer, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """With the history short: sometimes it reaches back to the last look, sometimes all is read again."""
    monkeypatch.setattr("strongroom.store.resource_cache.HISTORY_MINIMUM", 3)
    monkeypatch.setattr("strongroom.store.resource_cache.HISTORY_LIMIT", 3)
    chance, followed, seen = random.Random(seed), RBACIndex(server.catalog), set()
    for _ in range(60):
        for _ in range(chance.choice((1, 1, 2, 8))):
            cluster, name = chance.random() < 0.4, chance.choice("xyz")
            root = RBAC if cluster else f"{RBAC}/namespaces/{chance.choice(('default', 'kube-system'))}"
            kind = chance.choice(("role", "rolebinding", "rolebinding"))
            path = f"{root}/{'cluster' if cluster else ''}{kind}s"
            if chance.random() < 0.35:
                await server.request("DELETE", f"{path}/{name}")
                continue
            if kind == "role":
                body = role(name, *[rule(verb, "pods") for verb in ("get", "list") if chance.random() < 0.6])
            else:
                # A binding's role is for good: it goes with the binding's name.
                of = "ClusterRole" if cluster or name == "z" else "Role"
                subjects = [{**NOBODY, "name": each} for each in "ab" if chance.random() < 0.5]
                subjects += [{**NOBODY, "kind": "Group", "name": "g"}] * (chance.random() < 0.2)
                body = {**binding(name, of, name), "subjects": subjects}
            if (await server.request("PUT", f"{path}/{name}", body)).status == 404:
                await make(server, path, body)
        found = _may(followed)
        assert found == _may(RBACIndex(server.catalog))
        seen.add(str(found))
    assert len(seen) > 20, "without changes nothing is shown"
    assert any("not found" in each for each in seen), "a binding may name a role that is not there"


async def test_a_rule_with_names_allows_those_alone_and_no_list(server: APIServer) -> None:
    for name in ("a", "b"):
        await server.create_secret(name)
    reader = role("reader", rule("get list watch delete", "secrets", resourceNames=["a"]))
    await make(server, f"{HERE}/roles", reader)
    await make(server, f"{HERE}/rolebindings", binding("b", "Role", "reader"))
    assert (await server.get(f"{SECRETS}/a", token="nobody")).status == 200
    assert (await server.get(f"{SECRETS}/b", token="nobody")).status == 403
    assert (await server.get(SECRETS, token="nobody")).status == 403
    assert (await server.get(f"{SECRETS}?fieldSelector=metadata.name=a", token="nobody")).status == 200
    assert (await server.get(f"{SECRETS}?fieldSelector=metadata.name=b", token="nobody")).status == 403
    assert (await server.request("DELETE", SECRETS, token="nobody")).status == 403


async def test_reasons_name_binding_role_and_subject(server: APIServer) -> None:
    account = {"kind": "ServiceAccount", "name": "app"}
    await make(server, f"{HERE}/roles", role("r", rule("get", "secrets")))
    await make(server, f"{HERE}/rolebindings", binding("b", "Role", "r", account))
    await make(server, f"{RBAC}/clusterrolebindings", binding("c", "ClusterRole", "view"))
    authorizer = RBACAuthorizer(RBACIndex(server.catalog))
    app = UserInfo("system:serviceaccount:default:app")
    verdict = authorizer.authorize(app, RequestInfo(True, "get", "", "", "v1", "default", "secrets"))
    assert (
        verdict.reason
        == 'RBAC: allowed by RoleBinding "b/default" of Role "r" to ServiceAccount "app/default"'
    )
    nobody = UserInfo("nobody")
    verdict = authorizer.authorize(nobody, RequestInfo(True, "get", "", "", "v1", "", "pods"))
    assert verdict.reason == (
        'RBAC: allowed by ClusterRoleBinding "c" of ClusterRole "view" to User "nobody"'
    )


async def test_a_binding_to_a_role_that_is_not_there_is_told(server: APIServer) -> None:
    await make(server, f"{RBAC}/clusterrolebindings", binding("c", "ClusterRole", "x"))
    answer = await server.get(SECRETS, token="nobody")
    assert answer.status == 403
    assert answer.json["message"] == (
        'secrets is forbidden: User "nobody" cannot list resource "secrets" in API group "" in the namespace '
        '"default": RBAC: clusterrole.rbac.authorization.k8s.io "x" not found'
    )


@pytest.mark.parametrize(
    ("cluster_role", "verb", "what", "expected"),
    [
        ("view", "get", "pods", True),
        ("view", "get", "secrets", False),
        ("view", "list", "secrets", False),
        ("view", "list", "roles.rbac.authorization.k8s.io", False),
        ("edit", "get", "secrets", True),
        ("edit", "create", "pods/exec", True),
        ("edit", "create", "serviceaccounts/token", True),
        ("edit", "create", "rolebindings.rbac.authorization.k8s.io", False),
        ("edit", "create", "namespaces", False),
        ("admin", "get", "secrets", True),
        ("admin", "create", "rolebindings.rbac.authorization.k8s.io", True),
        ("admin", "escalate", "roles.rbac.authorization.k8s.io", False),
        ("admin", "update", "resourcequotas", False),
        ("cluster-admin", "escalate", "roles.rbac.authorization.k8s.io", True),
    ],
)
async def test_default_roles_allow_what_kubernetes_default_roles_allow(
    server: APIServer, cluster_role: str, verb: str, what: str, expected: bool
) -> None:
    await make(server, f"{HERE}/rolebindings", binding("b", "ClusterRole", cluster_role))
    name, _, group = what.partition(".")
    resource, _, subresource = name.partition("/")
    attributes = {"verb": verb, "group": group, "resource": resource, "subresource": subresource}
    for namespace, answer in (("default", expected), ("kube-system", False)):
        body = {"spec": {"user": "nobody", "resourceAttributes": {**attributes, "namespace": namespace}}}
        review = await server.request("POST", f"{AUTHORIZATION}/subjectaccessreviews", body)
        assert review.status == 201
        assert review.json["status"]["allowed"] is answer, namespace


async def test_a_start_gives_default_roles_back_what_they_lost_and_leaves_the_rest(server: APIServer) -> None:
    path = f"{RBAC}/clusterroles/system:discovery"
    own = {"verbs": ["get"], "nonResourceURLs": ["/mine"]}
    changed = (await server.get(path)).json
    original = changed["rules"]
    changed["rules"] = [own]
    assert (await server.request("PUT", path, changed)).status == 200
    assert (await server.get("/api", token="nobody")).status == 403
    await bootstrap.ensure_roles(server.catalog)
    assert (await server.get("/api", token="nobody")).status == 200
    assert (await server.get(path)).json["rules"] == [own, *original]
    left = (await server.get(path)).json
    left["rules"] = []
    left["metadata"]["annotations"]["rbac.authorization.kubernetes.io/autoupdate"] = "false"
    await server.request("PUT", path, left)
    await bootstrap.ensure_roles(server.catalog)
    assert not (await server.get(path)).json["rules"]


# ---- reviews ----


async def test_everybody_may_ask_for_themselves_and_not_for_others(server: APIServer) -> None:
    attributes = {"verb": "get", "resource": "secrets", "namespace": "default"}
    spec = {"spec": {"resourceAttributes": attributes}}
    answer = await server.request("POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", spec, token="nobody")
    assert answer.status == 201 and answer.json["status"] == {"allowed": False}
    admin = await server.request("POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", spec)
    assert admin.json["status"]["allowed"] is True
    other = {"spec": {"resourceAttributes": attributes, "user": "admin"}}
    refused = await server.request("POST", f"{AUTHORIZATION}/subjectaccessreviews", other, token="nobody")
    assert refused.status == 403


@pytest.mark.parametrize(
    ("kind", "spec", "text"),
    [
        (
            "subjectaccessreviews",
            {"user": "u"},
            "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or "
            "resourceAttributes must be specified",
        ),
        (
            "subjectaccessreviews",
            {"user": "u", "resourceAttributes": {}, "nonResourceAttributes": {"path": "/"}},
            "cannot be specified in combination with resourceAttributes",
        ),
        (
            "subjectaccessreviews",
            {"resourceAttributes": {}},
            'spec.user: Invalid value: "": at least one of user or group must be specified',
        ),
        (
            "namespaces/default/localsubjectaccessreviews",
            {"user": "u", "resourceAttributes": {"namespace": "other"}},
            'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
        ),
        (
            "namespaces/default/localsubjectaccessreviews",
            {"user": "u", "nonResourceAttributes": {"path": "/"}},
            "disallowed on this kind of request",
        ),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    server: APIServer, kind: str, spec: dict[str, Any], text: str
) -> None:
    answer = await server.request("POST", f"{AUTHORIZATION}/{kind}", {"spec": spec})
    assert answer.status == 422
    assert text in answer.json["message"]


async def test_a_local_review_asks_about_its_namespace(server: APIServer) -> None:
    await make(server, f"{HERE}/rolebindings", binding("b", "ClusterRole", "edit"))
    spec = {
        "user": "nobody",
        "resourceAttributes": {"namespace": "default", "verb": "get", "resource": "secrets"},
    }
    path = f"{AUTHORIZATION}/namespaces/default/localsubjectaccessreviews"
    answer = await server.request("POST", path, {"spec": spec})
    assert answer.json["status"]["allowed"] is True


async def test_a_rules_review_lists_what_one_may_do_here(server: APIServer) -> None:
    await make(server, f"{HERE}/roles", role("r", rule("get", "secrets", resourceNames=["a"])))
    await make(server, f"{HERE}/rolebindings", binding("b", "Role", "r"))
    path = f"{AUTHORIZATION}/selfsubjectrulesreviews"
    answer = await server.request("POST", path, {"spec": {"namespace": "default"}}, token="nobody")
    status = answer.json["status"]
    assert status["incomplete"] is False
    wanted = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"]}
    assert wanted in status["resourceRules"]
    assert any("/api" in each["nonResourceURLs"] for each in status["nonResourceRules"])
    elsewhere = await server.request("POST", path, {"spec": {"namespace": "kube-system"}}, token="nobody")
    assert wanted not in elsewhere.json["status"]["resourceRules"]
    node = await server.request("POST", path, {"spec": {"namespace": "default"}}, token="node-n1")
    assert node.json["status"]["incomplete"] is True
    assert (await server.request("POST", path, {"spec": {}}, token="nobody")).status == 400


async def test_a_decision_is_never_deny_and_admins_need_no_role(server: APIServer) -> None:
    authorizer = RBACAuthorizer(RBACIndex(server.catalog))
    verdict = authorizer.authorize(UserInfo("x"), RequestInfo(True, "get", "", "", "v1", "", "secrets"))
    assert verdict.decision is Decision.NO_OPINION and verdict.reason == ""
