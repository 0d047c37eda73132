"""Events."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names

STRATEGY = STRATEGIES[resources.EVENTS]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(namespace: str = "n", **fields: Any) -> dict[str, Any]:
    involved = {"kind": "Pod", "namespace": "n", "name": "p", "uid": "1", "fieldPath": "spec.containers{c}"}
    return {"metadata": {"name": "e", "namespace": namespace}, "involvedObject": involved, **fields}


MISMATCH = "does not match event.namespace"
TIMED = {
    "eventTime": "2026-01-02T03:04:00.000000Z", "reportingComponent": "a/b", "reportingInstance": "i",
    "action": "Do", "reason": "Why",
}  # fmt: skip


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (make(), []),
        (make("m"), [f'involvedObject.namespace: Invalid value: "n": {MISMATCH}']),
        (make("default", involvedObject={"kind": "Node"}), []),
        (make("n", involvedObject={"kind": "Node"}), [f'involvedObject.namespace: Invalid value: "": '
                                                      f'{MISMATCH}']),
        (make(**TIMED), []),
        (make("kube-system", **TIMED, involvedObject={"kind": "Node"}), []),
        (make(eventTime="t"),
         ["reportingComponent: Required value",
          *(f'reportingComponent: Invalid value: "": {m}' for m in names.qualified_name("")),
          "reportingInstance: Required value", "action: Required value", "reason: Required value"]),
        (make(**{**TIMED, "action": "x" * 129, "message": "x" * 1025}),
         ['action: Invalid value: "": can have at most 128 characters',
          'message: Invalid value: "": can have at most 1024 characters']),
    ],
)  # fmt: skip
def test_rules(event: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(event)] == expected


def test_row_of_a_counted_event() -> None:
    event = make(
        firstTimestamp="2026-01-02T03:00:05Z", lastTimestamp="2026-01-02T03:04:00Z", count=3, type="Warning",
        reason="Failed", message=" x \n", source={"component": "kubelet", "host": "n1"},
    )  # fmt: skip
    assert STRATEGY.row(event, NOW) == [
        "5s", "Warning", "Failed", "pod/p", "spec.containers{c}", "kubelet, n1", "x", "4m", 3, "e",
    ]  # fmt: skip
    assert len(STRATEGY.columns) == 10


def test_row_of_a_timed_event() -> None:
    event = make(eventTime="2026-01-02T03:04:00.5Z", reportingComponent="s", reportingInstance="i")
    row = STRATEGY.row(event, NOW)
    assert (row[0], row[5], row[7], row[8]) == ("4s", "s, i", "4s", 1)


def test_row_of_a_series() -> None:
    event = make(eventTime="2026-01-02T03:00:05Z",
                 series={"count": 7, "lastObservedTime": "2026-01-02T03:04:00Z"})  # fmt: skip
    row = STRATEGY.row(event, NOW)
    assert (row[0], row[7], row[8]) == ("5s", "4m", 7)


def test_row_without_times_or_name() -> None:
    row = STRATEGY.row(make(involvedObject={"kind": "Node"}), NOW)
    assert (row[0], row[3], row[5], row[7], row[8]) == ("<unknown>", "node", "", "<unknown>", 1)


def test_fields() -> None:
    fields = STRATEGY.selectable_fields(make(reason="R", type="Normal", source={"component": "c"}))
    assert set(fields) == set(STRATEGY.field_labels)
    assert (fields["involvedObject.name"], fields["reason"], fields["source"]) == ("p", "R", "c")
    assert STRATEGY.selectable_fields(make(reportingComponent="r"))["source"] == "r"


@pytest.mark.parametrize("name", ["A b", "x" * 300, "é"])
def test_a_name_is_anything_that_a_path_can_hold(name: str) -> None:
    assert STRATEGY.validate_name(name) == []
    assert STRATEGY.validate_name("a/b") == ["may not contain '/'"]
    assert STRATEGY.validate_name("..") == ["may not be '..'"]
