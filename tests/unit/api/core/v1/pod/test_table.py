"""The row of a Pod."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api.core.v1.pod import table

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUNNING = {"running": {"startedAt": "2026-01-02T03:00:00Z"}}


def waiting(reason: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason}}


def ended(code: int, **fields: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, **fields}}


def box(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "c", "state": state, "restartCount": 0, **fields}


def condition(kind: str, status: str = "True", **fields: str) -> dict[str, str]:
    return {"type": kind, "status": status, **fields}


def row(status: dict[str, Any], containers: int = 1, init: Any = (), deleted: bool = False) -> list[Any]:
    metadata = {"name": "p", "creationTimestamp": "2026-01-02T03:04:00Z"}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    spec = {"containers": [{"name": "c"}] * containers, "initContainers": list(init)}
    return table.row({"metadata": metadata, "spec": spec, "status": status}, NOW)


SIDECAR = {"name": "s", "restartPolicy": "Always"}
PLAIN = {"name": "i"}


@pytest.mark.parametrize(
    ("status", "init", "ready", "shown"),
    [
        ({"phase": "Pending"}, (), "0/1", "Pending"),
        ({"phase": "Failed", "reason": "Evicted"}, (), "0/1", "Evicted"),
        ({"phase": "Pending", "conditions": [condition("PodScheduled", "False", reason="SchedulingGated")]},
         (),
         "0/1", "SchedulingGated"),
        ({"phase": "Pending", "containerStatuses": [box(waiting("ContainerCreating"))]}, (), "0/1",
         "ContainerCreating"),
        ({"phase": "Running", "containerStatuses": [box(RUNNING, ready=True)]}, (), "1/1", "Running"),
        ({"phase": "Running", "containerStatuses": [box(RUNNING, ready=False)]}, (), "0/1", "Running"),
        ({"phase": "Running", "containerStatuses": [box(waiting("CrashLoopBackOff"))]}, (), "0/1",
         "CrashLoopBackOff"),
        ({"phase": "Failed", "containerStatuses": [box(ended(1, reason="Error"))]}, (), "0/1", "Error"),
        ({"phase": "Failed", "containerStatuses": [box(ended(137, signal=9))]}, (), "0/1", "Signal:9"),
        ({"phase": "Failed", "containerStatuses": [box(ended(3))]}, (), "0/1", "ExitCode:3"),
        ({"phase": "Succeeded", "containerStatuses": [box(ended(0, reason="Completed"))]}, (), "0/1",
         "Completed"),
        # one ended, one runs: the first in the list has the last word
        ({"phase": "Running", "conditions": [condition("Ready")],
          "containerStatuses": [box(ended(0, reason="Completed")), box(RUNNING, ready=True)]}, (), "1/1",
           "Running"),
        ({"phase": "Running", "conditions": [condition("Ready", "False")],
          "containerStatuses": [box(ended(0, reason="Completed")), box(RUNNING, ready=True)]}, (), "1/1",
         "NotReady"),
        ({"phase": "Running", "containerStatuses": [box(ended(0, reason="Completed")),
                                                    box(ended(1, reason="Error"))]}, (), "0/1", "Error"),
        # init containers
        ({"phase": "Pending", "initContainerStatuses": [box(waiting("PodInitializing"), name="i")]}, (PLAIN,),
         "0/1", "Init:0/1"),
        ({"phase": "Pending", "initContainerStatuses": [box(RUNNING, name="i")]}, (PLAIN,), "0/1",
         "Init:0/1"),
        ({"phase": "Pending", "initContainerStatuses": [box(ended(0), name="i"), box(RUNNING, name="j")]},
         (PLAIN, {"name": "j"}), "0/1", "Init:1/2"),
        ({"phase": "Pending", "initContainerStatuses": [box(waiting("ImagePullBackOff"), name="i")]},
         (PLAIN,),
         "0/1", "Init:ImagePullBackOff"),
        ({"phase": "Failed", "initContainerStatuses": [box(ended(1, reason="Error"), name="i")]}, (PLAIN,),
         "0/1",
         "Init:Error"),
        ({"phase": "Failed", "initContainerStatuses": [box(ended(9, signal=9), name="i")]}, (PLAIN,), "0/1",
         "Init:Signal:9"),
        ({"phase": "Failed", "initContainerStatuses": [box(ended(2), name="i")]}, (PLAIN,), "0/1",
         "Init:ExitCode:2"),
        ({"phase": "Running", "initContainerStatuses": [box(ended(0), name="i")],
          "containerStatuses": [box(RUNNING, ready=True)]}, (PLAIN,), "1/1", "Running"),
        # sidecars
        ({"phase": "Running", "initContainerStatuses": [box(RUNNING, name="s", started=True, ready=True)],
          "containerStatuses": [box(RUNNING, ready=True)]}, (SIDECAR,), "2/2", "Running"),
        ({"phase": "Pending", "initContainerStatuses": [box(RUNNING, name="s", started=False)]}, (SIDECAR,),
         "0/2",
         "Init:0/1"),
        ({"phase": "Running", "conditions": [condition("Initialized")],
          "initContainerStatuses": [box(waiting("CrashLoopBackOff"), name="s")],
          "containerStatuses": [box(RUNNING, ready=True)]}, (SIDECAR,), "1/2", "Init:CrashLoopBackOff"),
    ],
)  # fmt: skip
def test_ready_and_status(status: dict[str, Any], init: tuple[Any, ...], ready: str, shown: str) -> None:
    assert row(status, init=init)[1:3] == [ready, shown]


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({"phase": "Running", "containerStatuses": [box(RUNNING, ready=True)]}, "Terminating"),
        ({"phase": "Pending", "reason": "NodeLost"}, "Unknown"),
        ({"phase": "Failed", "containerStatuses": [box(ended(1, reason="Error"))]}, "Error"),
        ({"phase": "Succeeded", "containerStatuses": [box(ended(0, reason="Completed"))]}, "Completed"),
    ],
)
def test_deleted(status: dict[str, Any], shown: str) -> None:
    assert row(status, deleted=True)[2] == shown


def last(stamp: str) -> dict[str, Any]:
    return {"lastState": {"terminated": {"exitCode": 1, "finishedAt": stamp}}}


def test_restarts() -> None:
    assert row({"phase": "Running", "containerStatuses": [box(RUNNING, restartCount=2)]})[3] == "2"
    status = {
        "phase": "Running",
        "containerStatuses": [
            box(RUNNING, restartCount=1, **last("2026-01-02T03:00:05Z")),
            box(RUNNING, restartCount=2, **last("2026-01-02T03:02:05Z")),
        ],
    }
    assert row(status)[3] == "3 (2m ago)"
    assert (
        row({"phase": "Pending", "containerStatuses": [box(RUNNING, **last("2026-01-02T03:02:05Z"))]})[3]
        == "0"
    )


def test_restarts_of_init_containers_count_until_they_are_done() -> None:
    init = [box(waiting("CrashLoopBackOff"), name="i", restartCount=4)]
    assert row({"phase": "Pending", "initContainerStatuses": init}, init=(PLAIN,))[3] == "4"
    done = {
        "phase": "Running",
        "initContainerStatuses": [
            box(ended(0), name="i", restartCount=4),
            box(RUNNING, name="s", started=True, restartCount=1),
        ],
        "containerStatuses": [box(RUNNING, ready=True, restartCount=2)],
    }
    assert row(done, init=(PLAIN, SIDECAR))[3] == "3"


def test_wide_cells() -> None:
    assert row({"phase": "Pending"})[4:] == ["5s", "<none>", "<none>", "<none>", "<none>"]
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [], "nodeName": "n1", "readinessGates": [{"conditionType": c} for c in "ab"]},
        "status": {
            "podIPs": [{"ip": "10.0.0.1"}, {"ip": "::1"}],
            "nominatedNodeName": "n2",
            "conditions": [condition("a"), condition("b", "False")],
        },
    }
    assert table.row(pod, NOW) == ["p", "0/0", "", "0", "<unknown>", "10.0.0.1", "n1", "n2", "1/2"]


@pytest.mark.parametrize(
    ("phase", "message"),
    [("Succeeded", "The pod has completed successfully."), ("Failed", "The pod failed.")],
)
def test_conditions_of_pods_that_ended(phase: str, message: str) -> None:
    assert table.row_conditions({"status": {"phase": phase}}) == [
        {"type": "Completed", "status": "True", "reason": phase, "message": message}
    ]
    assert table.row_conditions({"status": {"phase": "Running"}}) == []
