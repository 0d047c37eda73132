"""Leases."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES

STRATEGY = STRATEGIES[resources.LEASES]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "creationTimestamp": "2026-01-02T03:04:00Z"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"leaseDurationSeconds": 10, "leaseTransitions": 0}, []),
        ({"leaseDurationSeconds": 0, "leaseTransitions": -1},
         ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
          "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"]),
    ],
)  # fmt: skip
def test_rules(spec: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(make(**spec))] == expected


def test_a_spec_is_always_there_and_holds_nothing_of_coordinated_elections() -> None:
    obj: dict[str, Any] = {"metadata": {"name": "a"}}
    STRATEGY.default(obj)
    assert obj["spec"] == {}
    new = make(holderIdentity="me", strategy="OldestEmulationVersion", preferredHolder="you")
    STRATEGY.prepare_for_create(new)
    assert new["spec"] == {"holderIdentity": "me"}
    new = make(strategy="OldestEmulationVersion")
    STRATEGY.prepare_for_update(new, make())
    assert new["spec"] == {}


def test_row() -> None:
    assert STRATEGY.row(make(holderIdentity="me"), NOW) == ["a", "me", "5s"]
    assert STRATEGY.row(make(), NOW) == ["a", "", "5s"]
    assert [column.name for column in STRATEGY.columns] == ["Name", "Holder", "Age"]


def test_only_leases_and_events_of_core_have_finalizers_of_any_name() -> None:
    free = {strategy.resource for strategy in STRATEGIES.values() if strategy.any_finalizer}
    assert free == {resources.LEASES, resources.EVENTS}
