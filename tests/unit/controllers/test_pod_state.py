"""What controllers want to know of a Pod."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from strongroom.controllers import pod_state
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

NOW = datetime.fromisoformat("2026-01-02T03:04:05+00:00")


def pod(phase: str = "Running", *, ready: str | None = None, since: str = "", **metadata: Any) -> Object:
    conditions = [{"type": "PodScheduled", "status": "True"}]
    if ready is not None:
        condition = {"type": "Ready", "status": ready}
        conditions.append(condition | ({"lastTransitionTime": since} if since else {}))
    return {"metadata": metadata, "spec": {}, "status": {"phase": phase, "conditions": conditions}}


@pytest.mark.parametrize(
    ("given", "active", "terminating"),
    [
        (pod(), True, False),
        (pod("Pending"), True, False),
        (pod("Failed"), False, False),
        (pod("Succeeded"), False, False),
        (pod(deletionTimestamp="now"), False, True),
        (pod("Failed", deletionTimestamp="now"), False, False),
        ({"metadata": {}}, True, False),
    ],
)
def test_active_and_terminating(given: Object, active: bool, terminating: bool) -> None:
    assert (pod_state.is_active(given), pod_state.is_terminating(given)) == (active, terminating)


@pytest.mark.parametrize(
    ("given", "seconds", "expected"),
    [
        (pod(), 0, None),
        (pod(ready="False", since="2026-01-02T03:00:00Z"), 0, None),
        (pod(ready="True"), 0, 0),
        (pod(ready="True"), 60, 0),
        (pod(ready="True", since="2026-01-02T03:04:00Z"), 0, 0),
        (pod(ready="True", since="2026-01-02T03:04:00Z"), 60, 55),
        (pod(ready="True", since="2026-01-02T03:03:05Z"), 60, 0),
    ],
)
def test_available_in(given: Object, seconds: int, expected: float | None) -> None:
    assert pod_state.available_in(given, seconds, NOW) == expected


def test_what_is_kept_lacks_the_managers_alone() -> None:
    given = pod(managedFields=[{"manager": "x"}], name="p")
    kept = pod_state.reduce(given)
    assert kept == {**given, "metadata": {"name": "p"}}
    assert "managedFields" in given["metadata"]


def test_a_condition_tells_its_generation_and_keeps_its_time_while_its_status_stays() -> None:
    pod: Object = {"metadata": {"generation": 3}}

    def said(status: str, message: str, later: int = 0) -> Object | None:
        return pod_state.condition(pod, "T", status, "R", message, NOW + timedelta(seconds=later))

    first = said("True", "m")
    assert first == {
        "type": "T",
        "status": "True",
        "reason": "R",
        "message": "m",
        "lastProbeTime": None,
        "lastTransitionTime": duration.timestamp(NOW),
        "observedGeneration": 3,
    }
    pod["status"] = {"conditions": [{"type": "Ready", "status": "True"}, first]}
    assert said("True", "m", 5) is None
    assert said("True", "other", 5) == {**first, "message": "other"}
    turned = said("False", "m", 5)
    assert turned is not None
    assert turned["lastTransitionTime"] == duration.timestamp(NOW + timedelta(seconds=5))
    assert "observedGeneration" not in (pod_state.condition({}, "T", "True", "R", "m", NOW) or {})
