from typing import Any

import pytest

from strongroom.api.scheduling.v1.priority_class import PriorityClassStrategy, system_classes

STRATEGY = PriorityClassStrategy()
RESERVED = (
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. "
)


def make(name: str = "mine", **fields: Any) -> dict[str, Any]:
    obj = {"metadata": {"name": name}, **fields}
    STRATEGY.default(obj)
    return obj


def broken(obj: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate(obj)]


def test_the_least_class() -> None:
    found = make()
    assert (found["value"], found["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    assert broken(found) == []


def test_the_systems_own() -> None:
    for found in system_classes():
        STRATEGY.default(found)
        assert broken(found) == []


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (
            make(value=10**9 + 1),
            "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
        ),
        (
            make(preemptionPolicy="Always"),
            'preemptionPolicy: Unsupported value: "Always": supported values: '
            '"PreemptLowerPriority", "Never"',
        ),
        (make(preemptionPolicy=""), "preemptionPolicy: Required value"),
        (
            make("system-mine"),
            f"{RESERVED}error: system-mine is not a known system priority class",
        ),
        (
            make("system-node-critical", value=1),
            f"{RESERVED}error: value of system-node-critical PriorityClass must be 2000001000",
        ),
        (
            make("system-node-critical", value=2000001000, globalDefault=True),
            f"{RESERVED}error: globalDefault of system-node-critical PriorityClass must be false",
        ),
    ],
)
def test_broken_rules(obj: dict[str, Any], message: str) -> None:
    assert broken(obj) == [message]


def test_value_and_policy_do_not_change() -> None:
    errors = STRATEGY.validate_update(make(value=2, preemptionPolicy="Never"), make(value=1))
    assert [str(error) for error in errors] == [
        "value: Forbidden: may not be changed in an update.",
        'preemptionPolicy: Invalid value: "Never": field is immutable',
    ]
    assert STRATEGY.validate_update(make(value=1, description="x", globalDefault=True), make(value=1)) == []
