"""Roles and bindings, as objects."""

import json

import pytest

from strongroom.testing.kubectl import Kubectl


@pytest.fixture
def one(kubectl: Kubectl) -> Kubectl:
    """A namespace with the role `r` and its binding `b`."""
    kubectl.ok("create", "role", "r", "--verb=get,list", "--resource=secrets")
    kubectl.ok("create", "rolebinding", "b", "--role=r", "--user=u", "--group=g", "--serviceaccount=n:s")
    return kubectl


def test_rules_and_subjects_are_stored(one: Kubectl) -> None:
    role = json.loads(one.ok("get", "role", "r", "-ojson"))
    assert role["rules"] == [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["secrets"]}]
    group = "rbac.authorization.k8s.io"
    binding = json.loads(one.ok("get", "rolebinding", "b", "-ojson"))
    assert binding["roleRef"] == {"apiGroup": group, "kind": "Role", "name": "r"}
    assert binding["subjects"] == [
        {"kind": "User", "apiGroup": group, "name": "u"},
        {"kind": "Group", "apiGroup": group, "name": "g"},
        {"kind": "ServiceAccount", "name": "s", "namespace": "n"},
    ]


def test_columns(one: Kubectl) -> None:
    roles = one.ok("get", "roles").splitlines()
    assert roles[0].split() == ["NAME", "CREATED", "AT"]
    header, row = one.ok("get", "rolebindings", "-owide").splitlines()
    assert header.split() == ["NAME", "ROLE", "AGE", "USERS", "GROUPS", "SERVICEACCOUNTS"]
    cells = row.split()
    assert [*cells[:2], *cells[3:]] == ["b", "Role/r", "u", "g", "n/s"]


def test_describe(one: Kubectl) -> None:
    assert "secrets    []                 []              [get list]" in one.ok("describe", "role", "r")
    assert "ServiceAccount  s     n" in one.ok("describe", "rolebinding", "b")


def test_the_role_of_a_binding_stays(one: Kubectl) -> None:
    assert one.fails("patch", "rolebinding", "b", "-p", '{"roleRef":{"name":"q"}}') == (
        'The RoleBinding "b" is invalid: roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io",'
        '"Kind":"Role","Name":"q"}: cannot change roleRef\n'
    )


def test_a_role_that_grants_nothing_is_refused(one: Kubectl) -> None:
    manifest = {
        "kind": "Role",
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": "bad"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"]}],
    }
    assert one.fails("create", "-f", "-", stdin=json.dumps(manifest)) == (
        'The Role "bad" is invalid: rules[0].verbs: Required value: verbs must contain at least one value\n'
    )


def test_reconcile_adds_what_is_missing(one: Kubectl) -> None:
    wanted = {
        "kind": "Role",
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": "r", "namespace": one.namespace},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
    }
    one.ok("auth", "reconcile", "-f", "-", stdin=json.dumps(wanted))
    rules = json.loads(one.ok("get", "role", "r", "-ojson"))["rules"]
    assert [rule["resources"] for rule in rules] == [["secrets"], ["configmaps"]]


def test_cluster_wide(kubectl: Kubectl) -> None:
    name = kubectl.namespace  # not taken by anyone else
    kubectl.ok("create", "clusterrole", name, "--verb=get", "--non-resource-url=/healthz")
    kubectl.ok("create", "clusterrolebinding", name, f"--clusterrole={name}", "--user=u")
    try:
        _, row = kubectl.ok("get", "clusterrolebinding", name).splitlines()
        assert row.split()[:2] == [name, f"ClusterRole/{name}"]
        assert "[/healthz]" in kubectl.ok("describe", "clusterrole", name)
    finally:
        deleted = kubectl.ok("delete", f"clusterrole/{name}", f"clusterrolebinding/{name}")
    assert len(deleted.splitlines()) == 2
