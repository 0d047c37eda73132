"""What a Job's policies make of the ends of its Pods."""

from typing import Any

import pytest

from strongroom.controllers.job import policies
from strongroom.controllers.job.conditions import Verdict
from strongroom.machinery.gvk import Object


def pod(*codes: int, **conditions: str) -> Object:
    ended = [
        {"name": f"c{number}", "state": {"terminated": {"exitCode": code}}}
        for number, code in enumerate(codes)
    ]
    held = [{"type": type, "status": status} for type, status in conditions.items()]
    status = {"phase": "Failed", "containerStatuses": ended, "conditions": held}
    return {"metadata": {"name": "p", "namespace": "n", "uid": "p"}, "spec": {}, "status": status}


def rules(*found: Any) -> Object:
    return {"rules": list(found)}


def codes(action: str, operator: str, *values: int, container: str | None = None) -> Object:
    wanted: Object = {"operator": operator, "values": list(values)}
    if container:
        wanted["containerName"] = container
    return {"action": action, "onExitCodes": wanted}


def test_without_a_policy_every_failure_counts() -> None:
    assert policies.failure(None, pod(1)) is None
    assert policies.failure(rules(), pod(1)) is None


def test_the_first_rule_that_fits_speaks() -> None:
    policy = rules(codes("Ignore", "In", 7), codes("FailJob", "In", 42), codes("Count", "In", 42))
    match = policies.failure(policy, pod(0, 42))
    assert match == (
        "FailJob",
        "Container c1 for pod n/p failed with exit code 42 matching FailJob rule at index 1",
    )
    assert policies.failure(policy, pod(1)) is None


@pytest.mark.parametrize(
    ("rule", "ended", "fits"),
    [
        (codes("Count", "In", 1, 2), (2,), True),
        (codes("Count", "In", 1, 2), (3,), False),
        (codes("Count", "NotIn", 1, 2), (3,), True),
        (codes("Count", "NotIn", 1, 2), (2,), False),
        (codes("Count", "NotIn", 1), (0,), False),
        (codes("Count", "In", 1, container="c1"), (1, 5), False),
        (codes("Count", "In", 5, container="c1"), (1, 5), True),
        (codes("Count", "?", 5), (5,), False),
    ],
)
def test_exit_codes(rule: Any, ended: tuple[int, ...], fits: bool) -> None:
    assert (policies.failure(rules(rule), pod(*ended)) is not None) is fits


def test_conditions_of_the_pod() -> None:
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    match = policies.failure(rules(rule), pod(1, DisruptionTarget="True"))
    assert match == ("Ignore", "Pod n/p has condition DisruptionTarget matching Ignore rule at index 0")
    assert policies.failure(rules(rule), pod(1, DisruptionTarget="False")) is None


@pytest.mark.parametrize(
    ("rule", "completed", "enough"),
    [
        ({"succeededCount": 2}, {0, 5}, True),
        ({"succeededCount": 3}, {0, 5}, False),
        ({"succeededIndexes": "0,2-3"}, {0, 2, 3, 7}, True),
        ({"succeededIndexes": "0,2-3"}, {0, 2, 7}, False),
        ({"succeededIndexes": "0-9", "succeededCount": 2}, {1, 2}, True),
        ({"succeededIndexes": "0-9", "succeededCount": 2}, {1, 12}, False),
    ],
)
def test_enough_indexes(rule: Any, completed: set[int], enough: bool) -> None:
    found = policies.success(rules(rule), completed)
    assert found == (Verdict("SuccessPolicy", "Matched rules at index 0") if enough else None)


def test_no_policy_is_never_enough() -> None:
    assert policies.success(None, {1}) is None


def test_containers_speak_before_init_containers_and_conditions_in_the_order_of_the_pod() -> None:
    ended = pod(2, A="True", B="True")
    ended["status"]["initContainerStatuses"] = [{"name": "i", "state": {"terminated": {"exitCode": 1}}}]
    match = policies.failure(rules(codes("FailJob", "In", 1, 2)), ended)
    assert match is not None
    assert match.message.startswith("Container c0 for pod n/p failed with exit code 2 ")
    patterns = [{"type": type, "status": "True"} for type in ("B", "A")]
    match = policies.failure(rules({"action": "FailJob", "onPodConditions": patterns}), ended)
    assert match is not None
    assert match.message == "Pod n/p has condition A matching FailJob rule at index 0"
