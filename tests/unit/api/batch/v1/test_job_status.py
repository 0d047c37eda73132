"""What a controller of Jobs may say of one. Held against a kube-apiserver 1.36.2."""

from typing import Any

import pytest

from strongroom.api.batch.v1 import job_status_validation

BEGUN, ENDED = "2026-01-02T03:04:05Z", "2026-01-02T03:05:00Z"
INDEXED = {"completionMode": "Indexed", "completions": 3, "parallelism": 2}


def true(*types: str) -> dict[str, Any]:
    return {"conditions": [{"type": type, "status": "True"} for type in types]}


COMPLETE = {**true("SuccessCriteriaMet", "Complete"), "startTime": BEGUN, "completionTime": ENDED}
FAILED = {**true("FailureTarget", "Failed"), "startTime": BEGUN}


def broken(status: dict[str, Any], before: dict[str, Any] | None = None, **spec: Any) -> list[str]:
    spec = {"completionMode": "NonIndexed", "completions": 1, "parallelism": 1, **spec}
    new, old = {"spec": spec, "status": status}, {"spec": spec, "status": before or {}}
    return [str(error) for error in job_status_validation.validate(new, old)]


@pytest.mark.parametrize(
    ("status", "before", "spec"),
    [
        ({}, {}, {}),
        ({"active": 2, "ready": 2, "startTime": BEGUN}, {}, {}),
        (COMPLETE, {"active": 1, "startTime": BEGUN}, {}),
        (FAILED, {"active": 1, "startTime": BEGUN}, {}),
        ({"completedIndexes": "0,2"}, {}, INDEXED),
        ({"completedIndexes": "0-2"}, {}, INDEXED),
        ({"succeeded": 1}, {"succeeded": 2}, {**INDEXED, "parallelism": 3}),
        ({"startTime": ENDED}, {"startTime": BEGUN}, {"suspend": True}),
        # What was broken already and is not touched:
        ({"ready": 2, "failed": 1}, {"ready": 2}, {}),
        ({**true("Complete"), "succeeded": 1}, true("Complete"), {}),
    ],
)
def test_what_may_be_said(status: Any, before: Any, spec: Any) -> None:
    assert broken(status, before, **spec) == []


@pytest.mark.parametrize(
    ("status", "before", "spec", "messages"),
    [
        ({"active": -1}, {}, {}, ["status.active: Invalid value: -1: must be greater than or equal to 0"]),
        (
            {"uncountedTerminatedPods": {"succeeded": ["a", ""], "failed": ["a"]}},
            {},
            {},
            [
                'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
                'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
            ],
        ),
        (
            true("Failed", "Complete"),
            {},
            {},
            [
                "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions",
                "status.completionTime: Required value: completionTime is required for Complete jobs",
                "status.conditions: Invalid value: cannot set Failed=True condition without the "
                "FailureTarget=true condition",
                "status.conditions: Invalid value: cannot set Complete=True condition without the "
                "SuccessCriteriaMet=true condition",
                "status.startTime: Required value: startTime is required for finished job",
            ],
        ),
        (
            {"completionTime": ENDED},
            {},
            {},
            [
                f'status.completionTime: Invalid value: "{ENDED}": cannot set completionTime when there is '
                "no Complete=True condition"
            ],
        ),
        (
            {**COMPLETE, "completionTime": "2026-01-01T00:00:00Z"},
            {},
            {},
            [
                'status.completionTime: Invalid value: "2026-01-01T00:00:00Z": must be equal to or after '
                "`startTime`"
            ],
        ),
        (
            {**COMPLETE, "active": 1, "terminating": 1, "uncountedTerminatedPods": {"failed": ["u"]}},
            {},
            {},
            [
                "status.active: Invalid value: 1: active>0 is invalid for finished job",
                "status.terminating: Invalid value: 1: terminating>0 is invalid for finished job",
                'status.uncountedTerminatedPods: Invalid value: {"Succeeded":null,"Failed":["u"]}: must be '
                "empty for finished job",
            ],
        ),
        (
            {"completedIndexes": "0"},
            {},
            {},
            [
                'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when '
                "non-indexed completion mode"
            ],
        ),
        *(
            (
                {"completedIndexes": text},
                {},
                INDEXED,
                [
                    f'status.completedIndexes: Invalid value: "{text}": error parsing completedIndexes: '
                    f"{problem}"
                ],
            )
            for text, problem in (
                ("9", 'too large index: "9"'),
                ("x", 'cannot convert string to integer for index: "x"'),
                ("9" * 5000, f'cannot convert string to integer for index: "{"9" * 5000}"'),
                ("1-0", "non-increasing order, previous: 1, current: 0"),
                ("1,0", "non-increasing order, previous: 1, current: 0"),
                (
                    "0-1-2",
                    'the fragment "0-1-2" violates the requirement that an index interval can have at most '
                    "two parts separated by '-'",
                ),
            )
        ),
        (
            {"failedIndexes": "0"},
            {},
            INDEXED,
            [
                'status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when '
                "backoffLimitPerIndex is null"
            ],
        ),
        (
            {"ready": 5},
            {},
            {},
            ["status.ready: Invalid value: 5: cannot set more ready pods than active"],
        ),
        (
            {"startTime": BEGUN},
            FAILED,
            {},
            [
                "status.conditions: Invalid value: cannot disable the terminal Failed=True condition",
                "status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition",
            ],
        ),
        (
            {"failed": 1, "succeeded": 1},
            {"failed": 2, "succeeded": 2},
            {},
            [
                "status.failed: Invalid value: 1: cannot decrease the failed counter",
                "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter",
            ],
        ),
        (
            {**COMPLETE, "completionTime": "2026-01-02T04:00:00Z"},
            COMPLETE,
            {},
            ['status.completionTime: Invalid value: "2026-01-02T04:00:00Z": field is immutable'],
        ),
        (
            {"startTime": ENDED},
            {"startTime": BEGUN},
            {},
            [f'status.startTime: Invalid value: "{ENDED}": field is immutable for unsuspended job once set'],
        ),
        (
            {},
            true("SuccessCriteriaMet"),
            {},
            ["status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition"],
        ),
        (
            true("SuccessCriteriaMet", "FailureTarget"),
            {},
            {},
            [
                "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true "
                "conditions"
            ],
        ),
    ],
)
def test_what_may_not(status: Any, before: Any, spec: Any, messages: list[str]) -> None:
    assert broken(status, before, **spec) == messages
