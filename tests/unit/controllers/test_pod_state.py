"""What controllers want to know of a Pod."""

from datetime import datetime
from typing import Any

import pytest

from strongroom.controllers import pod_state
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
