"""When a Pod of a Job has ended."""

from typing import Any

import pytest

from strongroom.controllers.job import pods
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

MADE, LATER, LAST = (f"2026-01-02T03:00:0{second}Z" for second in (0, 3, 7))


def ended(at: str, name: str = "c") -> Object:
    return {"name": name, "state": {"terminated": {"exitCode": 1, "finishedAt": at}}}


def sidecars(*names: str) -> list[Object]:
    return [{"name": name, "restartPolicy": "Always"} for name in names]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"containerStatuses": [ended(LAST), ended(LATER)]}, LAST),
        ({"containerStatuses": [ended(LATER)], "initContainerStatuses": [ended(LAST, "side")]}, LAST),
        ({"containerStatuses": [ended(LATER)], "initContainerStatuses": [ended(LAST, "init")]}, LATER),
        ({"containerStatuses": [ended(LAST), {"name": "d", "state": {"running": {}}}]}, MADE),
        ({"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": LATER}]}, LATER),
        ({"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": LATER}]}, MADE),
        ({"conditions": [{"type": "Initialized", "status": "False", "lastTransitionTime": LATER}]}, MADE),
        ({}, MADE),
    ],
)
def test_the_end_of_a_pod(status: Any, expected: str) -> None:
    spec = {"initContainers": [{"name": "init"}, *sidecars("side")]}
    pod = {"metadata": {"creationTimestamp": MADE}, "spec": spec, "status": status}
    assert duration.timestamp(pods.ended_at(pod)) == expected


def test_one_that_was_told_to_go_ended_when_it_was_told() -> None:
    metadata = {"creationTimestamp": MADE, "deletionTimestamp": LAST, "deletionGracePeriodSeconds": 4}
    assert duration.timestamp(pods.ended_at({"metadata": metadata})) == LATER
