"""ClusterRoles that aggregate have the union of what their selectors choose."""

from typing import Any

from strongroom.api import resources
from strongroom.controllers import actions, cluster_role_aggregation


def role(name: str, rules: list[Any], labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels or {}}, "rules": rules, **more}


def aggregate(*labels: str) -> dict[str, Any]:
    return {"clusterRoleSelectors": [{"matchLabels": {label: "true"}} for label in labels]}


A, B, C = ({"verbs": [verb]} for verb in "abc")


def test_the_union_is_in_the_order_of_names_and_holds_each_rule_once() -> None:
    target = role("sum", [C], aggregationRule=aggregate("x", "y"))
    roles = [role("b", [B, A], {"y": "true"}), role("a", [A], {"x": "true"}), role("c", [C]), target]
    (update,) = cluster_role_aggregation.decide(target, roles)
    assert isinstance(update, actions.Update) and update.resource == resources.CLUSTER_ROLES
    assert update.obj["rules"] == [A, B]


def test_nothing_is_done_for_what_is_right_or_does_not_aggregate() -> None:
    target = role("sum", [A], aggregationRule=aggregate("x"))
    chosen = role("a", [A], {"x": "true"})
    assert cluster_role_aggregation.decide(target, [chosen, target]) == []
    assert cluster_role_aggregation.decide(chosen, [chosen, target]) == []
    assert cluster_role_aggregation.decide(None, [chosen]) == []


def test_a_role_does_not_aggregate_itself() -> None:
    target = role("sum", [A], {"x": "true"}, aggregationRule=aggregate("x"))
    (update,) = cluster_role_aggregation.decide(target, [target])
    assert isinstance(update, actions.Update)
    assert update.obj["rules"] == []
