"""Roles and ClusterRoles."""

from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES

ROLE, CLUSTER_ROLE = STRATEGIES[resources.ROLES], STRATEGIES[resources.CLUSTER_ROLES]
READ = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
PATHS = {"nonResourceURLs": ["/healthz"], "verbs": ["get"]}


def make(*rules: Any, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "rules": list(rules), **more}


@pytest.mark.parametrize(
    ("rule", "role", "cluster_role"),
    [
        (READ, [], []),
        ({**READ, "resourceNames": ["a"]}, [], []),
        (PATHS,
         ['rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to '
          'non-resource URLs'],
         []),
        ({**PATHS, **READ},
         ['rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to '
          'non-resource URLs',
          'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: rules cannot apply to both regular '
          'resources and non-resource URLs'],
         ['rules[0].nonResourceURLs: Invalid value: ["/healthz"]: rules cannot apply to both regular '
          'resources and non-resource URLs']),
        ({},
         ["rules[0].verbs: Required value: verbs must contain at least one value",
          "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
          "rules[0].resources: Required value: resource rules must supply at least one resource"],
         ["rules[0].verbs: Required value: verbs must contain at least one value",
          "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
          "rules[0].resources: Required value: resource rules must supply at least one resource"]),
    ],
)  # fmt: skip
def test_rules(rule: Any, role: list[str], cluster_role: list[str]) -> None:
    assert [str(error) for error in ROLE.validate(make(rule))] == role
    assert [str(error) for error in CLUSTER_ROLE.validate(make(rule))] == cluster_role


def test_every_rule_is_looked_at() -> None:
    assert [error.field for error in ROLE.validate(make(READ, {**READ, "verbs": []}))] == ["rules[1].verbs"]


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ({"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}, []),
        ({},
         ["aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required "
          "if aggregationRule is non-nil"]),
        ({"clusterRoleSelectors": [{}, {"matchExpressions": [{"key": "a", "operator": "Near"}]}]},
         ['aggregationRule.clusterRoleSelectors[1].matchExpressions[0].operator: Invalid value: "Near": not '
          'a valid selector operator',
          "aggregationRule.clusterRoleSelectors[1]: Invalid value: null: invalid label selector."]),
    ],
)  # fmt: skip
def test_aggregation(aggregation: Any, expected: list[str]) -> None:
    assert [str(e) for e in CLUSTER_ROLE.validate(make(READ, aggregationRule=aggregation))] == expected


def test_rules_are_written_even_when_there_are_none() -> None:
    role: dict[str, Any] = {"metadata": {"name": "a"}}
    ROLE.default(role)
    assert role == {"metadata": {"name": "a"}, "rules": None}
    aggregated: dict[str, Any] = {"metadata": {"name": "a"}, "aggregationRule": {"clusterRoleSelectors": []}}
    CLUSTER_ROLE.default(aggregated)
    assert list(aggregated) == ["metadata", "rules", "aggregationRule"]
    assert ROLE.validate(role) == []


@pytest.mark.parametrize("strategy", [ROLE, CLUSTER_ROLE])
@pytest.mark.parametrize(
    ("name", "fine"), [("system:Node", True), ("a/b", False), ("..", False), ("50%", False)]
)
def test_names_are_free_but_for_what_a_url_cannot_hold(strategy: Any, name: str, fine: bool) -> None:
    assert (strategy.validate_name(name) == []) is fine
