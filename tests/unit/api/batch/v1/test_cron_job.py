from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api.batch.v1.cron_job import CronJobStrategy

STRATEGY = CronJobStrategy()
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(name: str = "c", *, restart: str = "Never", jobs: Any = None, **spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "c", "image": "i:1"}], "restartPolicy": restart}
    template = {"spec": {"template": {"spec": pod}, **(jobs or {})}}
    obj = {"metadata": {"name": name}, "spec": {"schedule": "* * * * *", "jobTemplate": template, **spec}}
    STRATEGY.convert(obj)
    STRATEGY.default(obj)
    STRATEGY.prepare_for_create(obj)
    return obj


def broken(obj: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate(obj)]


def test_defaults() -> None:
    found = make()
    assert {key: value for key, value in found["spec"].items() if key != "jobTemplate"} == {
        "schedule": "* * * * *",
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }
    assert found["spec"]["jobTemplate"]["spec"].keys() == {"template"}, "the Job gets its own when it is made"
    assert found["spec"]["jobTemplate"]["spec"]["template"]["spec"]["dnsPolicy"] == "ClusterFirst"
    assert broken(found) == []


TEMPLATE = "spec.jobTemplate.spec"


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (make("x" * 53), f'metadata.name: Invalid value: "{"x" * 53}": must be no more than 52 characters'),
        (make(schedule=""), "spec.schedule: Required value"),
        (
            make(schedule="* *"),
            'spec.schedule: Invalid value: "* *": expected exactly 5 fields, found 2: [* *]',
        ),
        (
            make(schedule="TZ=UTC * * * * *"),
            'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use '
            "timeZone field instead",
        ),
        (make(timeZone=""), 'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'),
        (
            make(timeZone="Nowhere/X"),
            'spec.timeZone: Invalid value: "Nowhere/X": unknown time zone Nowhere/X',
        ),
        (make(timeZone="../etc"), 'spec.timeZone: Invalid value: "../etc": unknown time zone ../etc'),
        (
            make(timeZone="Local"),
            'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in '
            "https://www.iana.org/time-zones",
        ),
        (
            make(startingDeadlineSeconds=-1),
            "spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            make(concurrencyPolicy="Some"),
            'spec.concurrencyPolicy: Unsupported value: "Some": supported values: "Allow", "Forbid", '
            '"Replace"',
        ),
        (
            make(restart="Always"),
            f'{TEMPLATE}.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (
            make(jobs={"manualSelector": True}),
            f'{TEMPLATE}.manualSelector: Unsupported value: true: supported values: "nil", "false"',
        ),
        (
            make(jobs={"completionMode": "Indexed"}),
            f"{TEMPLATE}.completions: Required value: when completion mode is Indexed",
        ),
        (
            make(jobs={"parallelism": -1}),
            f"{TEMPLATE}.parallelism: Invalid value: -1: must be greater than or equal to 0",
        ),
    ],
)
def test_broken_rules(obj: dict[str, Any], message: str) -> None:
    assert broken(obj) == [message]


def test_zones() -> None:
    assert broken(make(timeZone="Europe/Berlin")) == []
    assert [error.partition(": ")[2] for error in broken(make(timeZone="local"))] == [
        'Invalid value: "local": timeZone must be an explicit time zone as defined in '
        "https://www.iana.org/time-zones",
        'Invalid value: "local": unknown time zone local',
    ]


def test_a_name_that_is_no_label_is_warned_of() -> None:
    (warning,) = STRATEGY.warnings(make("a.b"), None)
    assert warning.startswith("metadata.name: this is used in Pod names and hostnames")
    assert STRATEGY.warnings(make("a.b"), make("a.b")) == []


def test_rows() -> None:
    obj = make(timeZone="Europe/Berlin", suspend=True)
    obj["status"] = {"active": [{}, {}], "lastScheduleTime": "2026-01-02T03:03:00Z"}
    assert STRATEGY.row(obj, NOW)[1:6] == ["* * * * *", "Europe/Berlin", "True", 2, "65s"]
    assert STRATEGY.row(make(), NOW)[2:6] == ["<none>", "False", 0, "<none>"]
