"""ResourceQuotas."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import status

STRATEGY = STRATEGIES[resources.RESOURCE_QUOTAS]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(hard: Any = None, **spec: Any) -> dict[str, Any]:
    obj = {
        "metadata": {"name": "a", "creationTimestamp": "2026-01-02T03:04:00Z"},
        "spec": {"hard": hard or {}, **spec},
    }
    STRATEGY.convert(obj)
    STRATEGY.default(obj)
    return obj


SELECTOR = "spec.scopeSelector.matchExpressions"


def choosing(*expressions: dict[str, Any]) -> dict[str, Any]:
    """A quota of Pods with a scope selector."""
    return make({"pods": "1"}, scopeSelector={"matchExpressions": list(expressions)})


def test_amounts_are_canonical() -> None:
    assert make({"cpu": "0.5", "secrets": "1e1"})["spec"]["hard"] == {"cpu": "500m", "secrets": "10"}
    with pytest.raises(status.StatusError) as caught:
        make({"cpu": "much"})
    assert caught.value.message.startswith(
        'ResourceQuota in version "v1" cannot be handled as a ResourceQuota: quantities must match'
    )


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (make({"secrets": "5", "count/secrets": "5", "limits.cpu": "1", "example.com/x": "1"}), []),
        (make({"bananas": "1"}),
         ['spec.hard[bananas]: Invalid value: "bananas": must be a standard resource type or fully qualified',
          'spec.hard[bananas]: Invalid value: "bananas": must be a standard resource for quota']),
        (make({"requests.hugepages-2Mi": "4Mi", "hugepages-1Gi": "1Gi", "requests.storage": "1"}), []),
        (make({"storage": "1"}),
         ['spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota']),
        (make({"pods": "-500m"}),
         ['spec.hard[pods]: Invalid value: "-500m": must be greater than or equal to 0',
          'spec.hard[pods]: Invalid value: "-500m": must be an integer']),
        (make({"secrets": "-1"}),
         ['spec.hard[secrets]: Invalid value: "-1": must be greater than or equal to 0']),
        (make({"pods": "500m"}), ['spec.hard[pods]: Invalid value: "500m": must be an integer']),
        (make({"pods": "1"}, scopes=["BestEffort"]), []),
        (make({"cpu": "1"}, scopes=["BestEffort"]),
         ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource']),
        (make({"pods": "1"}, scopes=["Terminating", "NotTerminating"]),
         ['spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes']),
        (choosing({"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}), []),
        (choosing({"scopeName": "Mine", "operator": "Near"}),
         [f'{SELECTOR}.scopeName: Invalid value: "Mine": unsupported scope',
          f'{SELECTOR}.operator: Invalid value: "Near": not a valid selector operator']),
        (choosing({"scopeName": "Terminating", "operator": "In"}),
         [f'{SELECTOR}.operator: Invalid value: "In": must be \'Exists\' when scope is any of '
          "ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
          "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
          f"{SELECTOR}.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' "
          "for scope selector"]),
        (choosing({"scopeName": "PriorityClass", "operator": "Exists", "values": ["a"]}),
         [f'{SELECTOR}.values: Invalid value: ["a"]: must be no value when `operator` is \'Exist\' or '
          "'DoesNotExist' for scope selector"]),
        (make({"secrets": "1"}, scopeSelector={
            "matchExpressions": [{"scopeName": "BestEffort", "operator": "Exists"}]}),
         [f'{SELECTOR}: Invalid value: {{"MatchExpressions":[{{"ScopeName":"BestEffort","Operator":"Exists",'
          '"Values":null}]}: unsupported scope applied to resource']),
        (make(scopes=["Mine"]), ['spec.scopes: Invalid value: ["Mine"]: unsupported scope']),
    ],
)  # fmt: skip
def test_rules(obj: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(obj)] == expected


def test_what_stays() -> None:
    old = make({"pods": "1"}, scopes=["Terminating"])
    assert STRATEGY.validate_update(make({"pods": "9"}, scopes=["Terminating"]), old) == []
    selector: dict[str, Any] = {"matchExpressions": []}
    new = make({"pods": "1"}, scopeSelector=selector)
    assert [str(error) for error in STRATEGY.validate_update(new, old)] == [
        "spec.scopes: Invalid value: null: field is immutable",
    ]


def test_status() -> None:
    obj = {**make({"secrets": "5"}), "status": {"used": {"secrets": "1"}}}
    STRATEGY.prepare_for_create(obj)
    assert obj["status"] == {}
    report = {"status": {"hard": {"secrets": "5"}, "used": {"x": "1", "pods": "-1"}}}
    assert [str(error) for error in STRATEGY.validate_status_update(report, obj)] == [
        'status.used[x]: Invalid value: "x": must be a standard resource type or fully qualified',
        'status.used[x]: Invalid value: "x": must be a standard resource for quota',
        'status.used[pods]: Invalid value: "-1": must be greater than or equal to 0',
    ]
    without_spec: dict[str, Any] = {"metadata": {}, "status": {}}
    STRATEGY.default(without_spec)
    assert list(without_spec) == ["metadata", "spec", "status"]


def test_row() -> None:
    hard = {"secrets": "5", "limits.cpu": "2", "limits.memory": "1Gi", "pods": "3"}
    obj = {**make(), "status": {"hard": hard, "used": {"secrets": "1", "limits.cpu": "500m"}}}
    assert STRATEGY.row(obj, NOW) == [
        "a", "pods: 0/3, secrets: 1/5", "limits.cpu: 500m/2, limits.memory: 0/1Gi", "5s"
    ]  # fmt: skip
    assert STRATEGY.row(make(), NOW) == ["a", "", "", "5s"]
