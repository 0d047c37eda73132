from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api.batch.v1.job import JobStrategy

STRATEGY = JobStrategy()
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UID = "11111111-2222-3333-4444-555555555555"


def make(name: str = "j", labels: Any = None, restart: str = "Never", **spec: Any) -> dict[str, Any]:
    """A Job as the registry makes it, up to validation."""
    template: dict[str, Any] = {
        "spec": {"containers": [{"name": "c", "image": "i:1"}], "restartPolicy": restart}
    }
    if labels:
        template["metadata"] = {"labels": labels}
    obj = {"metadata": {"name": name, "uid": UID}, "spec": {"template": template, **spec}}
    STRATEGY.convert(obj)
    STRATEGY.default(obj)
    STRATEGY.prepare_for_create(obj)
    return obj


def broken(obj: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate(obj)]


def test_defaults() -> None:
    found = make(labels={"app": "x"})
    assert {key: value for key, value in found["spec"].items() if key not in ("template", "selector")} == {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "manualSelector": False,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }
    assert found["metadata"]["labels"] == {"app": "x"}
    assert found["status"] == {}
    assert broken(found) == []


def test_a_queue_has_no_completions() -> None:
    assert "completions" not in make(parallelism=3)["spec"]


def test_the_selector_is_the_jobs_own() -> None:
    spec = make(labels={"app": "x"})["spec"]
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": UID}}
    assert spec["template"]["metadata"]["labels"] == {
        "app": "x",
        "batch.kubernetes.io/controller-uid": UID,
        "controller-uid": UID,
        "batch.kubernetes.io/job-name": "j",
        "job-name": "j",
    }


def test_a_selector_by_hand() -> None:
    selector = {"matchLabels": {"a": "b"}}
    found = make(labels={"a": "b"}, manualSelector=True, selector=selector)
    assert found["spec"]["selector"] == selector
    assert broken(found) == []
    assert broken(make(labels={"a": "c"}, manualSelector=True, selector=selector)) == [
        'spec.template.metadata.labels: Invalid value: {"a":"c"}: `selector` does not match template `labels`'
    ]
    assert broken(make(manualSelector=True)) == [
        "spec.selector: Required value",
        "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
    ]


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (
            make(restart="Always"),
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (make(parallelism=-1), "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"),
        (make(completions=-1), "spec.completions: Invalid value: -1: must be greater than or equal to 0"),
        (make(backoffLimit=-1), "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"),
        (
            make(ttlSecondsAfterFinished=-1),
            "spec.ttlSecondsAfterFinished: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            make(activeDeadlineSeconds=-1),
            "spec.activeDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            make(completionMode="Some"),
            'spec.completionMode: Unsupported value: "Some": supported values: "NonIndexed", "Indexed"',
        ),
        (
            make(completionMode="Indexed", parallelism=1),
            "spec.completions: Required value: when completion mode is Indexed",
        ),
        (
            make("x" * 63, completionMode="Indexed", completions=2),
            f'metadata.name: Invalid value: "{"x" * 63}": will not able to create pod with invalid DNS '
            f"label: {'x' * 63}-1",
        ),
        (
            make(podReplacementPolicy="Some"),
            'spec.podReplacementPolicy: Unsupported value: "Some": supported values: "Failed", '
            '"TerminatingOrFailed"',
        ),
        (
            make(backoffLimitPerIndex=1),
            "spec.backoffLimitPerIndex: Forbidden: not supported by this server",
        ),
        (
            make(managedBy="mine"),
            'spec.managedBy: Invalid value: "mine": must be a domain-prefixed path (such as "acme.io/foo")',
        ),
    ],
)
def test_broken_rules(obj: dict[str, Any], message: str) -> None:
    assert broken(obj) == [message]


def test_labels_that_contradict_the_generated_ones() -> None:
    errors = broken(make(labels={"job-name": "other"}))
    assert len(errors) == 1
    assert errors[0].startswith("spec.template.metadata.labels[job-name]: Invalid value: ")
    assert errors[0].endswith(": must be 'j'")


def changed(old: dict[str, Any], **spec: Any) -> list[str]:
    new = {**old, "spec": {**old["spec"], **spec}}
    return [str(error).partition(":")[0] for error in STRATEGY.validate_update(new, old)]


def test_what_may_change() -> None:
    old = make()
    assert changed(old, parallelism=3, suspend=True, backoffLimit=1, ttlSecondsAfterFinished=5) == []
    assert changed(old, completions=2) == ["spec.completions"]
    assert changed(old, completionMode="Indexed") == ["spec.completionMode"]
    assert changed(old, selector={"matchLabels": {"a": "b"}}) != []
    other = {**old["spec"]["template"], "spec": {**old["spec"]["template"]["spec"], "hostname": "x"}}
    assert changed(old, template=other) == ["spec.template"]


def test_an_indexed_job_grows_as_a_whole() -> None:
    old = make(completionMode="Indexed", completions=2, parallelism=2)
    assert changed(old, completions=4, parallelism=4) == []
    assert changed(old, completions=4) == ["spec.completions"]


def test_before_it_begins_its_pods_may_be_told_where_to_go() -> None:
    old = make(suspend=True)
    pod = old["spec"]["template"]
    placed = {**pod, "spec": {**pod["spec"], "nodeSelector": {"a": "b"}}}
    assert changed(old, template=placed) == []
    assert changed({**old, "status": {"startTime": "2026-01-02T03:04:05Z"}}, template=placed) == [
        "spec.template.spec"
    ]


def test_what_its_containers_need_may_change_while_it_is_suspended() -> None:
    template = make()["spec"]["template"]
    (container,) = template["spec"]["containers"]
    larger = {**container, "resources": {"limits": {"cpu": "1"}}}
    wanted = {**template, "spec": {**template["spec"], "containers": [larger]}}
    other = {**template, "spec": {**template["spec"], "containers": [{**container, "image": "j"}]}}
    suspended = {**make(suspend=True), "status": {"startTime": "2026-01-02T03:04:05Z"}}
    assert changed(suspended, template=wanted) == []
    assert changed(suspended, template=other) == ["spec.template.spec"]
    assert changed(make(), template=wanted) == ["spec.template"]


def test_a_template_that_may_not_change_is_shown_as_upstream_holds_it() -> None:
    old = make()
    template = old["spec"]["template"]
    new = {**template, "spec": {**template["spec"], "hostname": "x"}}
    (error,) = STRATEGY.validate_update({**old, "spec": {**old["spec"], "template": new}}, old)
    text = str(error)
    assert text.startswith('spec.template: Invalid value: {"labels":{"batch.kubernetes.io/controller-uid":')
    assert ',"Spec":{"Volumes":null,"InitContainers":null,"Containers":[{"Name":"c",' in text
    assert ',"Hostname":"x",' in text
    assert text.endswith(',"SchedulingGroup":null}}: field is immutable')


def test_warnings() -> None:
    assert STRATEGY.warnings(make(), None) == []
    assert STRATEGY.warnings(make(name="a.b"), make(name="a.b")) == []
    assert STRATEGY.warnings(make(name="a.b"), None) == [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
        "a DNS label is recommended: [must not contain dots]"
    ]
    wide = make(completionMode="Indexed", completions=100_001, parallelism=10_001)
    (warning,) = STRATEGY.warnings(wide, wide)
    assert warning.startswith("spec: In Indexed Jobs with a number of completions higher than 10^5")


def condition(type: str) -> dict[str, str]:
    return {"type": type, "status": "True"}


@pytest.mark.parametrize(
    ("status", "spec", "cells"),
    [
        ({}, {}, ["Running", "0/1", ""]),
        ({"startTime": "2026-01-02T03:04:00Z", "succeeded": 1}, {"completions": 3}, ["Running", "1/3", "5s"]),
        (
            {
                "startTime": "2026-01-02T03:03:00Z",
                "completionTime": "2026-01-02T03:03:07Z",
                "succeeded": 1,
                "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
            },
            {},
            ["Complete", "1/1", "7s"],
        ),
        ({"conditions": [condition("Suspended")]}, {"parallelism": 3}, ["Suspended", "0/1 of 3", ""]),
        ({"conditions": [condition("FailureTarget"), condition("Failed")]}, {}, ["Failed", "0/1", ""]),
    ],
)
def test_rows(status: Any, spec: Any, cells: list[str]) -> None:
    obj = make(**spec)
    obj["status"] = status
    assert STRATEGY.row(obj, NOW)[1:4] == cells


def test_the_field_that_selects_by_success() -> None:
    obj = make()
    obj["status"] = {"succeeded": 2}
    assert STRATEGY.selectable_fields(obj)["status.successful"] == "2"
