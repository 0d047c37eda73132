"""ReplicaSets: what differs from Deployments."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES

STRATEGY = STRATEGIES[resources.REPLICA_SETS]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(**spec: Any) -> dict[str, Any]:
    pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    obj = {
        "metadata": {"name": "web", "creationTimestamp": "2026-01-02T03:04:00Z"},
        "spec": {"template": pod, "selector": {"matchLabels": {"app": "web"}}, **spec},
    }
    STRATEGY.default(obj)
    return obj


def test_defaults() -> None:
    obj = make()
    assert list(obj["spec"]) == ["replicas", "selector", "template"]
    assert obj["spec"]["replicas"] == 1
    STRATEGY.prepare_for_create(obj)
    assert obj["status"] == {"replicas": 0}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"minReadySeconds": -1},
         ["spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"]),
        ({"selector": {}},
         ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]),
    ],
)  # fmt: skip
def test_rules(spec: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(make(**spec))] == expected


def test_status_rules() -> None:
    assert STRATEGY.validate_status_update({"status": {"replicas": 2, "readyReplicas": 2}}, {}) == []
    wrong = {"status": {"replicas": 1, "fullyLabeledReplicas": 2, "observedGeneration": -1}}
    assert [str(error) for error in STRATEGY.validate_status_update(wrong, {})] == [
        "status.observedGeneration: Invalid value: -1: must be greater than or equal to 0",
        "status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas",
    ]


def test_annotations_make_no_new_generation() -> None:
    new = make()
    new["metadata"]["annotations"] = {"a": "b"}
    assert not STRATEGY.is_new_generation(new, make())
    assert STRATEGY.is_new_generation(make(replicas=2), make())


def test_row() -> None:
    obj = {**make(replicas=3), "status": {"replicas": 2, "readyReplicas": 1}}
    assert STRATEGY.row(obj, NOW) == ["web", 3, 2, 1, "5s", "c", "i:1", "app=web"]
    assert [c.type for c in STRATEGY.columns[1:4]] == ["integer"] * 3
    none = make(selector={})
    assert STRATEGY.row(none, NOW)[-1] == "<none>"
