"""Events of events.k8s.io: the two shapes, rules, the row."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.events.v1 import conversion
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names

STRATEGY = STRATEGIES[resources.NEW_EVENTS]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TIME = "2026-01-02T03:04:00.000000Z"
REGARDING = {"kind": "Pod", "namespace": "n", "name": "p"}
IMMUTABLE = "field is immutable"


def make(**fields: Any) -> dict[str, Any]:
    obj = {
        "kind": "Event",
        "apiVersion": "events.k8s.io/v1",
        "metadata": {"name": "e", "namespace": "n"},
        "eventTime": TIME,
        "reportingController": "example.com/c",
        "reportingInstance": "c-1",
        "action": "Pull",
        "reason": "Pulled",
        "regarding": REGARDING,
        "note": "text",
        "type": "Normal",
        **fields,
    }
    return {field: value for field, value in obj.items() if value is not None}


def test_the_shape_of_core_and_back() -> None:
    series = {"count": 2, "lastObservedTime": TIME}
    obj = make(series=series, related={"kind": "Node"})
    core = conversion.to_core(obj)
    assert core == {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": "e", "namespace": "n"},
        "involvedObject": REGARDING,
        "reason": "Pulled",
        "message": "text",
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "type": "Normal",
        "eventTime": TIME,
        "series": series,
        "action": "Pull",
        "related": {"kind": "Node"},
        "reportingComponent": "example.com/c",
        "reportingInstance": "c-1",
    }
    unset: dict[str, Any] = {
        "deprecatedSource": {},
        "deprecatedFirstTimestamp": None,
        "deprecatedLastTimestamp": None,
    }
    assert conversion.from_core(core) == obj | unset
    old = {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": "e"},
        "involvedObject": REGARDING,
        "source": {"component": "kubelet"},
        "firstTimestamp": "a",
        "lastTimestamp": "b",
        "count": 3,
    }
    shown = conversion.from_core(old)
    assert shown == {
        "kind": "Event",
        "apiVersion": "events.k8s.io/v1",
        "metadata": {"name": "e"},
        "eventTime": None,
        "regarding": REGARDING,
        "deprecatedSource": {"component": "kubelet"},
        "deprecatedFirstTimestamp": "a",
        "deprecatedLastTimestamp": "b",
        "deprecatedCount": 3,
    }
    assert conversion.to_core(shown) == old | {
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    }


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (make(), []),
        (make(series={"count": 2, "lastObservedTime": TIME}), []),
        (make(reportingController="-"),
         [f'reportingController: Invalid value: "-": {names.qualified_name("-")[0]}']),
        (make(eventTime=None), ["eventTime: Required value"]),
        (make(type="Odd"), ['type: Invalid value: "": has invalid value: Odd']),
        (make(series={"count": 1}),
         ['series.count: Invalid value: "": should be at least 2',
          "series.lastObservedTime: Required value"]),
        (make(deprecatedCount=1, deprecatedSource={"component": "x"}, deprecatedFirstTimestamp="a",
              deprecatedLastTimestamp="b"),
         ['firstTimestamp: Invalid value: "": needs to be unset',
          'lastTimestamp: Invalid value: "": needs to be unset',
          'count: Invalid value: "": needs to be unset',
          'source: Invalid value: "": needs to be unset']),
    ],
)  # fmt: skip
def test_rules(obj: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(obj)] == expected


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (make(), []),
        (make(series={"count": 2, "lastObservedTime": TIME}), []),
        (make(series={"count": 0, "lastObservedTime": TIME}),
         ['series.count: Invalid value: "": should be at least 2']),
        (make(note="other", reason="Why"),
         [f'reason: Invalid value: "Why": {IMMUTABLE}', f'message: Invalid value: "other": {IMMUTABLE}',
          f'reason: Invalid value: "Why": {IMMUTABLE}']),
        (make(action=""),
         ["action: Required value", f'action: Invalid value: "": {IMMUTABLE}']),
    ],
)  # fmt: skip
def test_only_the_series_goes_on(new: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate_update(new, make())] == expected


def test_selectable_fields_of_both_shapes() -> None:
    fields = STRATEGY.selectable_fields(make())
    assert (fields["regarding.name"], fields["reportingController"], fields["type"]) == (
        "p", "example.com/c", "Normal"
    )  # fmt: skip
    assert STRATEGY.selectable_fields(conversion.to_core(make())) == fields
    assert set(fields) == set(STRATEGY.field_labels)


def test_row() -> None:
    assert STRATEGY.row(make(), NOW) == [
        "5s", "Normal", "Pulled", "pod/p", "", "example.com/c, c-1", "text", "5s", 1, "e"
    ]  # fmt: skip
