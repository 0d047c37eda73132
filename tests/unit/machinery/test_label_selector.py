"""The rules of LabelSelector objects."""

from typing import Any

import pytest

from strongroom.machinery import label_selector, names


def expression(operator: str, *values: str, key: str = "a") -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, []),
        ({"matchLabels": {"a": "b"}}, []),
        (expression("In", "x"), []),
        (expression("DoesNotExist"), []),
        ({"matchLabels": {"-": "b"}}, [f's.matchLabels: Invalid value: "-": {names.qualified_name("-")[0]}']),
        (expression("In"),
         ["s.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or "
          "'NotIn'"]),
        (expression("Exists", "x"),
         ["s.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or "
          "'DoesNotExist'"]),
        (expression("Near"),
         ['s.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator']),
        (expression("NotIn", "-", key="-"),
         [f's.matchExpressions[0].key: Invalid value: "-": {names.qualified_name("-")[0]}',
          f's.matchExpressions[0].values[0]: Invalid value: "-": {names.label_value("-")[0]}']),
    ],
)  # fmt: skip
def test_rules(selector: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in label_selector.validate(selector, "s")] == expected


def test_empty() -> None:
    assert label_selector.is_empty({"matchLabels": {}})
    assert not label_selector.is_empty(expression("Exists"))
