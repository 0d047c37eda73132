"""What a Job may say about the ends of its Pods."""

from typing import Any

import pytest

from strongroom.api.batch.v1.job import JobStrategy

STRATEGY = JobStrategy()
RULES = "spec.podFailurePolicy.rules"


def make(restart: str = "Never", **spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "c", "image": "i:1"}], "restartPolicy": restart}
    obj = {"metadata": {"name": "j", "uid": "u"}, "spec": {"template": {"spec": pod}, **spec}}
    STRATEGY.convert(obj)
    STRATEGY.default(obj)
    STRATEGY.prepare_for_create(obj)
    return obj


def broken(obj: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate(obj)]


def failing(**rule: Any) -> dict[str, Any]:
    return make(podFailurePolicy={"rules": [rule]})


def on_codes(*values: int, operator: str = "In", **more: Any) -> dict[str, Any]:
    return failing(action="Count", onExitCodes={"operator": operator, "values": list(values), **more})


def test_a_failure_policy_waits_for_the_end_of_pods() -> None:
    found = failing(action="Ignore", onPodConditions=[{"type": "DisruptionTarget"}])
    assert found["spec"]["podReplacementPolicy"] == "Failed"
    (rule,) = found["spec"]["podFailurePolicy"]["rules"]
    assert rule["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert broken(found) == []
    assert broken(on_codes(1, 42, containerName="c")) == []


@pytest.mark.parametrize(
    ("obj", "messages"),
    [
        (
            make("OnFailure", podFailurePolicy={"rules": []}, podReplacementPolicy="TerminatingOrFailed"),
            [
                'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported '
                "when podFailurePolicy is specified",
                'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: '
                '"Failed"',
            ],
        ),
        (
            failing(action="FailIndex", onPodConditions=[{"type": "X"}]),
            [
                f'{RULES}[0].action: Unsupported value: "FailIndex": supported values: "Count", '
                '"FailJob", "Ignore"'
            ],
        ),
        (
            on_codes(0),
            [f"{RULES}[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"],
        ),
        (on_codes(5, 5), [f"{RULES}[0].onExitCodes.values[1]: Duplicate value: 5"]),
        (on_codes(5, 3), [f"{RULES}[0].onExitCodes.values: Invalid value: [5,3]: must be ordered"]),
        (on_codes(), [f"{RULES}[0].onExitCodes.values: Invalid value: []: at least one value is required"]),
        (
            on_codes(1, operator="Like"),
            [f'{RULES}[0].onExitCodes.operator: Unsupported value: "Like": supported values: "In", "NotIn"'],
        ),
        (
            on_codes(1, containerName="other"),
            [
                f'{RULES}[0].onExitCodes.containerName: Invalid value: "other": must be one of the container '
                "or initContainer names in the pod template"
            ],
        ),
        (
            failing(action="Count"),
            [
                f'{RULES}[0]: Invalid value: {{"action":"Count"}}: specifying one of OnExitCodes and '
                "OnPodConditions is required"
            ],
        ),
    ],
)
def test_broken_rules(obj: dict[str, Any], messages: list[str]) -> None:
    assert broken(obj) == messages


def succeeding(mode: str = "Indexed", **rule: Any) -> dict[str, Any]:
    return make(completionMode=mode, completions=5, successPolicy={"rules": [rule]})


PATH = "spec.successPolicy.rules[0]"


@pytest.mark.parametrize(
    ("obj", "errors"),
    [
        (succeeding(succeededCount=5), []),
        (succeeding(succeededIndexes="0,2-4", succeededCount=4), []),
        (succeeding(succeededIndexes="0,2-4", succeededCount=5), [f"{PATH}.succeededCount"]),
        (succeeding(succeededCount=0), [f"{PATH}.succeededCount"]),
        (succeeding(succeededIndexes="0-5"), [f"{PATH}.succeededIndexes"]),
        (succeeding(succeededIndexes="3,1"), [f"{PATH}.succeededIndexes"]),
        (succeeding(succeededIndexes="x"), [f"{PATH}.succeededIndexes"]),
        (succeeding(), [PATH]),
        (succeeding("NonIndexed", succeededCount=1), ["spec.successPolicy"]),
    ],
)
def test_success_policies(obj: dict[str, Any], errors: list[str]) -> None:
    assert [message.partition(":")[0] for message in broken(obj)] == errors


def test_policies_do_not_change() -> None:
    old = on_codes(1)
    new = {**old, "spec": {**old["spec"], "podFailurePolicy": {"rules": []}}}
    assert [str(e).partition(":")[0] for e in STRATEGY.validate_update(new, old)] == ["spec.podFailurePolicy"]
