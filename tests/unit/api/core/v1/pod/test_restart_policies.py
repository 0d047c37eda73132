"""Restart policies and rules of single containers, with Kubernetes' exact words."""

from typing import Any

import pytest

from strongroom.api.core.v1.pod import validation_container, validation_restart
from strongroom.machinery.gvk import Object

POLICIES = 'supported values: "Always", "Never", "OnFailure"'
MISSING = "c.restartPolicy: Required value: must specify restartPolicy when restart rules are used"


def rule(action: str = "Restart", operator: str = "In", **codes: Any) -> Object:
    return {"action": action, "exitCodes": {"operator": operator, "values": [1], **codes}}


@pytest.mark.parametrize("is_init", [False, True])
@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({}, []),
        ({"restartPolicyRules": []}, []),
        *(({"restartPolicy": policy, "restartPolicyRules": [rule()]}, []) for policy in (
            "Always", "Never", "OnFailure")),
        ({"restartPolicy": "Never", "restartPolicyRules": [rule("RestartAllContainers", "NotIn")]}, []),
        ({"restartPolicy": "X"}, [f'c.restartPolicy: Unsupported value: "X": {POLICIES}']),
        ({"restartPolicy": ""}, [f'c.restartPolicy: Unsupported value: "": {POLICIES}']),
        ({"restartPolicyRules": [rule()]}, [MISSING]),
        ({"restartPolicy": "Never", "restartPolicyRules": [{}]},
         ['c.restartPolicyRules[0].action: Unsupported value: "": supported values: "Restart", '
          '"RestartAllContainers"', "c.restartPolicyRules[0].exitCodes: Required value: must be specified"]),
        ({"restartPolicy": "Never", "restartPolicyRules": [rule(), rule("Restart", "Gt")]},
         ['c.restartPolicyRules[1].exitCodes.operator: Unsupported value: "Gt": supported values: "In", '
          '"NotIn"']),
        ({"restartPolicy": "Never", "restartPolicyRules": [rule(values=[1] * 256)]},
         ["c.restartPolicyRules[0].exitCodes.values: Too many: 256: must have at most 255 items"]),
        ({"restartPolicy": "Never", "restartPolicyRules": [rule()] * 21},
         ["c.restartPolicyRules: Too many: 21: must have at most 20 items"]),
    ],
)  # fmt: skip
def test_rules(container: Object, expected: list[str], is_init: bool) -> None:
    found = validation_restart.validate(container, "c", is_init=is_init)
    assert [str(error) for error in found] == expected


def test_rules_without_a_policy_are_looked_at_in_regular_containers_only() -> None:
    container = {"restartPolicyRules": [rule("X")]}
    of_init = validation_restart.validate(container, "c", is_init=True)
    of_regular = validation_restart.validate(container, "c", is_init=False)
    assert [str(error) for error in of_init] == [MISSING]
    assert [str(error) for error in of_regular] == [
        MISSING,
        'c.restartPolicyRules[0].action: Unsupported value: "X": supported values: "Restart", '
        '"RestartAllContainers"',
    ]


def test_an_init_container_that_runs_once_is_not_restarted_for_a_resize() -> None:
    base = {
        "image": "i",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "Always",
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}],
    }
    spec = {
        "restartPolicy": "Always",
        "containers": [{**base, "name": "c"}],
        "initContainers": [{**base, "name": "i"}, {**base, "name": "s", "restartPolicy": "Always"}],
    }
    assert [str(e) for e in validation_container.validate_all(spec, {}, is_pod=True)] == [
        'spec.initContainers[0].resizePolicy[0].restartPolicy: Invalid value: "RestartContainer": must not '
        "be set to 'RestartContainer' for non-sidecar initContainers"
    ]
