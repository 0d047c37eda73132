"""imagePullPolicy."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.images import pull_policy
from strongroom.node.images.pull_policy import Decision


@pytest.mark.parametrize(
    ("container", "policy"),
    [
        ({"image": "nginx"}, "Always"),
        ({"image": "nginx:latest"}, "Always"),
        ({"image": "nginx:1.17"}, "IfNotPresent"),
        ({"image": "nginx@sha256:" + "a" * 64}, "IfNotPresent"),
        ({"image": "Bad Name"}, "IfNotPresent"),
        ({"image": "nginx", "imagePullPolicy": "Never"}, "Never"),
    ],
)
def test_policy(container: Object, policy: str) -> None:
    assert pull_policy.policy_of(container) == policy


@pytest.mark.parametrize(
    ("policy", "present", "decision"),
    [
        ("Always", True, Decision.PULL),
        ("Always", False, Decision.PULL),
        ("IfNotPresent", True, Decision.USE),
        ("IfNotPresent", False, Decision.PULL),
        ("Never", True, Decision.USE),
        ("Never", False, Decision.REFUSE),
    ],
)
def test_decision(policy: str, present: bool, decision: Decision) -> None:
    assert pull_policy.decide(policy, present=present) is decision
