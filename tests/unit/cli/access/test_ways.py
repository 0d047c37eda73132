"""Who can obtain a Secret, and how: every way that Kubernetes' "RBAC Good Practices" tells of."""

from collections.abc import Sequence
from typing import Any

import pytest

from strongroom.cli.access import grants, ways
from strongroom.cli.access.grants import RBAC_GROUP, Subject
from strongroom.cli.access.model import BOOTSTRAPPERS, MASTERS, State, TokenSecret
from strongroom.machinery.gvk import Object

EVE = Subject("User", "", "eve")
ROBOT = Subject("ServiceAccount", "shop", "robot")


def rule(verbs: str, resources: str, group: str = "", names: Sequence[str] = ()) -> Object:
    found: Object = {"verbs": verbs.split(), "resources": resources.split(), "apiGroups": [group]}
    return found | ({"resourceNames": list(names)} if names else {})


def given(subject: Subject, *rules: Object, namespace: str = "shop") -> list[grants.Grant]:
    """The rules, bound to the subject in a namespace; "": everywhere."""
    name = f"r-{subject.name}"
    reference = {"kind": "ClusterRole", "name": name}
    who = {"kind": subject.kind, "name": subject.name, "namespace": subject.namespace}
    binding: Object = {"metadata": {"name": name}, "roleRef": reference, "subjects": [who]}
    if namespace:
        binding["metadata"]["namespace"] = namespace
    roles = [{"metadata": {"name": name}, "rules": list(rules)}]
    return grants.collect([], roles, *(([binding], []) if namespace else ([], [binding])))


def pod(name: str = "web", of: str = "db", **spec: Any) -> Object:
    volumes = [{"name": "v", "secret": {"secretName": of}}]
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"volumes": volumes, **spec}}


def holders(*granted: Sequence[grants.Grant], **more: Any) -> dict[Subject, set[str]]:
    state = State("shop", "db", [each for some in granted for each in some], **more)
    found = {holder.subject: {way.kind for way in holder.ways} for holder in ways.find(state)}
    assert found.pop(MASTERS) == {"masters"}
    return found


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([rule("get", "secrets")], {"read"}),
        ([rule("list", "secrets")], {"read"}),
        ([rule("watch", "secrets")], {"read"}),
        ([rule("patch", "secrets")], {"read"}),
        (
            [rule("*", "*", "*")],
            {"read", "create-pod", "create-workload", "exec", "debug", "bind", "escalate"},
        ),
        ([rule("get", "secrets", names=["db"])], {"read"}),
        ([rule("get", "secrets", names=["other"])], set()),
        ([rule("get", "secrets", "apps")], set()),
        ([rule("update delete create", "secrets")], set()),
        ([rule("get", "configmaps")], set()),
        ([rule("create", "pods")], {"create-pod"}),
        ([rule("create", "pods", names=["web"])], set()),
        ([rule("get list", "pods")], set()),
        ([rule("create", "deployments", "apps")], {"create-workload"}),
        ([rule("patch", "daemonsets", "apps")], {"create-workload"}),
        ([rule("create", "cronjobs", "batch")], {"create-workload"}),
        ([rule("get", "deployments", "apps")], set()),
        ([rule("create", "pods/exec")], {"exec"}),
        ([rule("get", "pods/attach", names=["web"])], {"exec"}),
        ([rule("create", "pods/exec", names=["api"])], set()),
        ([rule("patch", "pods/ephemeralcontainers")], {"debug"}),
        ([rule("escalate update", "roles", RBAC_GROUP)], {"escalate"}),
        ([rule("escalate", "roles", RBAC_GROUP)], set()),
        ([rule("bind", "clusterroles", RBAC_GROUP), rule("create", "rolebindings", RBAC_GROUP)], {"bind"}),
        ([rule("create", "rolebindings", RBAC_GROUP)], set()),
    ],
)
def test_ways_of_ones_own(rules: list[Object], expected: set[str]) -> None:
    found = holders(given(EVE, *rules), pods=[pod()])
    assert found.get(EVE, set()) == expected


def test_rights_in_another_namespace_are_none_here() -> None:
    everything = rule("*", "*", "*")
    assert holders(given(EVE, everything, namespace="other"), pods=[pod()]) == {}
    assert "read" in holders(given(EVE, everything, namespace=""), pods=[pod()])[EVE]


def test_exec_counts_where_a_pod_has_the_secret() -> None:
    entry = rule("create", "pods/exec")
    assert holders(given(EVE, entry), pods=[pod(of="other")]) == {}
    assert holders(given(EVE, entry), pods=[]) == {}
    assert holders(given(EVE, entry), pods=[pod()]) == {EVE: {"exec"}}


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "db"}}}]}], "volumes": []},
        {"initContainers": [{"envFrom": [{"secretRef": {"name": "db"}}]}], "volumes": []},
        {"imagePullSecrets": [{"name": "db"}], "volumes": []},
        {"volumes": [{"projected": {"sources": [{"secret": {"name": "db"}}]}}]},
    ],
)
def test_a_pod_has_a_secret_in_every_way_that_it_can_name_one(spec: Object) -> None:
    assert holders(given(EVE, rule("create", "pods/exec")), pods=[pod(**spec)]) == {EVE: {"exec"}}


def test_the_node_that_runs_such_a_pod() -> None:
    node = Subject("User", "", "system:node:n1")
    assert holders(pods=[pod(nodeName="n1"), pod("api", "other", nodeName="n2")]) == {node: {"node"}}
    assert node.built_in


def test_acting_as_another_who_can() -> None:
    reader = given(ROBOT, rule("get", "secrets"))
    mint = given(EVE, rule("create", "serviceaccounts/token", names=["robot"]))
    assert holders(reader, mint) == {ROBOT: {"read"}, EVE: {"token"}}
    other = given(EVE, rule("create", "serviceaccounts/token", names=["another"]))
    assert EVE not in holders(reader, other)
    impersonate = given(EVE, rule("impersonate", "serviceaccounts", names=["robot"]))
    assert holders(reader, impersonate)[EVE] == {"impersonate"}
    user = given(EVE, rule("impersonate", "users"), namespace="")
    bob = given(Subject("User", "", "bob"), rule("get", "secrets"))
    assert holders(bob, user)[EVE] == {"impersonate"}
    group = given(EVE, rule("impersonate", "groups", names=["system:masters"]), namespace="")
    assert holders(group) == {EVE: {"impersonate"}}


KEEPER = Subject("ServiceAccount", "vaults", "keeper")
HELD = TokenSecret("vaults", "keeper-token", KEEPER)


@pytest.mark.parametrize(
    ("rules", "namespace", "expected"),
    [
        ([rule("get", "secrets")], "vaults", {"token-secret"}),
        ([rule("patch", "secrets", names=["keeper-token"])], "vaults", {"token-secret"}),
        ([rule("get", "secrets", names=["other"])], "vaults", set()),
        ([rule("create", "secrets")], "vaults", set()),
        ([rule("update delete", "secrets")], "vaults", set()),
        ([rule("get", "configmaps")], "vaults", set()),
        ([rule("get", "secrets")], "elsewhere", set()),
    ],
)
def test_reading_a_secret_that_holds_a_token_of_who_can(
    rules: list[Object], namespace: str, expected: set[str]
) -> None:
    reader = given(KEEPER, rule("get", "secrets"), namespace="shop")
    found = holders(reader, given(EVE, *rules, namespace=namespace), accounts=[KEEPER], tokens=[HELD])
    assert found.get(EVE, set()) == expected


def test_making_a_secret_that_is_filled_with_a_token_and_reading_it() -> None:
    reader = given(KEEPER, rule("get", "secrets"), namespace="shop")

    def of_eve(*rules: Object) -> set[str]:
        found = holders(reader, given(EVE, *rules, namespace="vaults"), accounts=[KEEPER])
        return found.get(EVE, set())

    assert of_eve(rule("create", "secrets"), rule("get", "secrets")) == {"token-secret"}
    assert of_eve(rule("create", "secrets")) == set()
    assert of_eve(rule("get", "secrets")) == set()


def test_who_can_make_a_node_of_a_machine_can_be_given_a_pod_that_has_it() -> None:
    joins = rule("create", "nodes/token")
    assert holders(given(EVE, joins, namespace=""), pods=[pod()]) == {EVE: {"join"}}
    assert holders(given(EVE, joins, namespace=""), pods=[]) == {}
    assert holders(given(EVE, joins, namespace="shop"), pods=[pod()]) == {}


@pytest.mark.parametrize("verb", ["create", "update", "patch", "get", "list"])
def test_who_makes_or_reads_a_bootstrap_token_can_join(verb: str) -> None:
    joins = given(BOOTSTRAPPERS, rule("create", "nodes/token"), namespace="")
    some = given(EVE, rule(verb, "secrets"), namespace="kube-system")
    held = [TokenSecret("kube-system", "bootstrap-token-abcdef", BOOTSTRAPPERS)]
    found = holders(joins, some, pods=[pod()], tokens=held)
    assert found == {BOOTSTRAPPERS: {"join"}, EVE: {"token-secret"}}
    if verb in ("get", "list"):
        assert EVE not in holders(joins, some, pods=[pod()]), "there is none to be read"
    assert BOOTSTRAPPERS.built_in


def test_going_by_the_node_into_a_pod() -> None:
    some = given(EVE, rule("get", "nodes/proxy"), namespace="")
    assert holders(some, pods=[pod(nodeName="n1")])[EVE] == {"proxy"}
    assert EVE not in holders(some, pods=[pod()])
    other = given(EVE, rule("create", "nodes/proxy", names=["n2"]), namespace="")
    assert EVE not in holders(other, pods=[pod(nodeName="n1")])


def test_a_chain_of_subjects_is_followed_to_its_end() -> None:
    mallory = Subject("User", "", "mallory")
    found = holders(
        given(mallory, rule("impersonate", "users", names=["eve"]), namespace=""),
        given(EVE, rule("create", "serviceaccounts/token")),
        given(ROBOT, rule("get", "secrets")),
    )
    assert found == {ROBOT: {"read"}, EVE: {"token"}, mallory: {"impersonate"}}


def test_a_pod_elsewhere_that_runs_as_an_account_that_can() -> None:
    keeper = Subject("ServiceAccount", "vaults", "keeper")
    reader = given(keeper, rule("get", "secrets"), namespace="shop")
    found = holders(reader, given(EVE, rule("create", "pods"), namespace="vaults"), accounts=[keeper])
    assert found == {keeper: {"read"}, EVE: {"run-as"}}


def test_service_accounts_have_the_rights_of_their_groups() -> None:
    everyone = Subject("Group", "", "system:serviceaccounts:shop")
    found = holders(
        given(everyone, rule("get", "secrets")), accounts=[ROBOT, Subject("ServiceAccount", "x", "y")]
    )
    assert found == {everyone: {"read"}, ROBOT: {"read"}}


def test_accounts_bound_by_their_user_name_are_the_same() -> None:
    by_name = Subject("User", "", "system:serviceaccount:shop:robot")
    assert holders(given(by_name, rule("get", "secrets"))) == {ROBOT: {"read"}}


def test_a_binding_to_a_missing_role_gives_nothing() -> None:
    binding = {
        "metadata": {"name": "b", "namespace": "shop"},
        "roleRef": {"kind": "Role", "name": "gone"},
        "subjects": [{"kind": "User", "name": "eve"}],
    }
    assert grants.collect([], [], [binding], []) == []


def test_who_is_built_in() -> None:
    assert Subject("User", "", "system:kube-scheduler").built_in
    assert Subject("Group", "", "system:masters").built_in
    for name in ("system:authenticated", "system:unauthenticated", "system:serviceaccounts", "eve"):
        assert not Subject("Group", "", name).built_in
    assert not ROBOT.built_in
