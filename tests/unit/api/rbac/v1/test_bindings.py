"""RoleBindings and ClusterRoleBindings."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES

ROLE, CLUSTER = STRATEGIES[resources.ROLE_BINDINGS], STRATEGIES[resources.CLUSTER_ROLE_BINDINGS]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GROUP = "rbac.authorization.k8s.io"


def make(*subjects: Any, kind: str = "ClusterRole", name: str = "view", group: str = GROUP) -> dict[str, Any]:
    return {
        "metadata": {"name": "a", "creationTimestamp": "2026-01-02T03:04:00Z"},
        "subjects": list(subjects),
        "roleRef": {"apiGroup": group, "kind": kind, "name": name},
    }


def user(name: str = "u", **more: str) -> dict[str, str]:
    return {"kind": "User", "apiGroup": GROUP, "name": name, **more}


def account(name: str = "s", **more: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, **more}


def test_defaults() -> None:
    binding = {
        "roleRef": {"kind": "Role", "name": "r"},
        "subjects": [{"kind": "User", "name": "u"}, {"kind": "Group", "name": "g"}, account()],
    }
    ROLE.default(binding)
    assert binding == {
        "subjects": [
            {"kind": "User", "name": "u", "apiGroup": GROUP},
            {"kind": "Group", "name": "g", "apiGroup": GROUP},
            {"kind": "ServiceAccount", "name": "s"},
        ],
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "r"},
    }
    empty: dict[str, Any] = {}
    ROLE.default(empty)
    assert empty == {"roleRef": {"apiGroup": GROUP, "kind": "", "name": ""}}


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        (make(user(), account(namespace="n")), []),
        (make(kind="Thing"), ['roleRef.kind: Unsupported value: "Thing": supported values: "ClusterRole"']),
        (make(name=""), ["roleRef.name: Required value"]),
        (make(name="a/b"), ['roleRef.name: Invalid value: "a/b": may not contain \'/\'']),
        (make(group="apps"),
         [f'roleRef.apiGroup: Unsupported value: "apps": supported values: "{GROUP}"']),
        (make(account()), ["subjects[0].namespace: Required value"]),
        (make(account(namespace="n", apiGroup="g")),
         ['subjects[0].apiGroup: Unsupported value: "g": supported values: ""']),
        (make(user(""), user(apiGroup="g")),
         ["subjects[0].name: Required value",
          f'subjects[1].apiGroup: Unsupported value: "g": supported values: "{GROUP}"']),
        (make({**user(""), "kind": "Group"}), ["subjects[0].name: Required value"]),
        (make({"kind": "Robot", "name": "r"}),
         ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", '
          '"Group"']),
    ],
)  # fmt: skip
def test_cluster_bindings(binding: Any, expected: list[str]) -> None:
    assert [str(error) for error in CLUSTER.validate(binding)] == expected


def test_a_binding_in_a_namespace_takes_more() -> None:
    assert ROLE.validate(make(account(), kind="Role")) == []
    assert [str(error) for error in ROLE.validate(make(kind="Thing"))] == [
        'roleRef.kind: Unsupported value: "Thing": supported values: "Role", "ClusterRole"'
    ]
    (error,) = ROLE.validate(make(account("A_")))
    assert error.field == "subjects[0].name"


@pytest.mark.parametrize("strategy", [ROLE, CLUSTER])
def test_the_role_is_never_changed(strategy: Any) -> None:
    assert strategy.validate_update(make(user()), make()) == []
    assert [str(error) for error in strategy.validate_update(make(name="edit"), make())] == [
        f'roleRef: Invalid value: {{"APIGroup":"{GROUP}","Kind":"ClusterRole","Name":"edit"}}: cannot change '
        "roleRef"
    ]


def test_row() -> None:
    subjects = [user("u"), user("v"), {"kind": "Group", "name": "g"}, account(namespace="n")]
    assert ROLE.row(make(*subjects), NOW) == ["a", "ClusterRole/view", "5s", "u, v", "g", "n/s"]
    assert ROLE.row(make(), NOW) == ["a", "ClusterRole/view", "5s", "", "", ""]
    assert [(c.name, c.priority) for c in CLUSTER.columns] == [
        ("Name", 0), ("Role", 0), ("Age", 0), ("Users", 1), ("Groups", 1), ("ServiceAccounts", 1)
    ]  # fmt: skip
