"""Whose log is meant, and the kubelet's sentences where there is none."""

from typing import Any

import pytest

from strongroom.node.streaming import log_target

RUNNING = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}


def terminated(container_id: str) -> dict[str, Any]:
    return {"terminated": {"exitCode": 1, "containerID": container_id}}


def waiting(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason}}


def pod(state: dict[str, Any], last: dict[str, Any] | None = None, kind: str = "container") -> dict[str, Any]:
    status = {"name": "c", "state": state, "lastState": last or {}, "containerID": "containerd://now"}
    return {"metadata": {"name": "p"}, "status": {f"{kind}Statuses": [status]}}


@pytest.mark.parametrize("kind", ["container", "initContainer", "ephemeralContainer"])
def test_running(kind: str) -> None:
    assert log_target.choose(pod(RUNNING, kind=kind), "c", previous=False) == "now"


@pytest.mark.parametrize(
    ("state", "last", "expected"),
    [
        (terminated("containerd://ended"), None, "ended"),
        (terminated(""), terminated("containerd://before"), "before"),
        (waiting("CrashLoopBackOff"), terminated("containerd://before"), "before"),
    ],
)
def test_not_running_but_it_ran(state: dict[str, Any], last: dict[str, Any] | None, expected: str) -> None:
    assert log_target.choose(pod(state, last), "c", previous=False) == expected


def test_previous() -> None:
    found = pod(RUNNING, terminated("containerd://before"))
    assert log_target.choose(found, "c", previous=True) == "before"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (waiting("ContainerCreating"), "is waiting to start: ContainerCreating"),
        (waiting("ErrImagePull"), "is waiting to start: image can't be pulled"),
        (waiting("ImagePullBackOff"), "is waiting to start: trying and failing to pull image"),
        (waiting("CreateContainerConfigError"), "is waiting to start: CreateContainerConfigError"),
        (terminated(""), "is terminated"),
        ({}, "is waiting to start - no logs yet"),
    ],
)
def test_nothing_to_show(state: dict[str, Any], reason: str) -> None:
    with pytest.raises(log_target.NoLogError) as caught:
        log_target.choose(pod(state), "c", previous=False)
    assert str(caught.value) == f'container "c" in pod "p" {reason}'


def test_no_previous() -> None:
    with pytest.raises(log_target.NoLogError) as caught:
        log_target.choose(pod(RUNNING), "c", previous=True)
    assert str(caught.value) == 'previous terminated container "c" in pod "p" not found'


def test_no_status_yet() -> None:
    with pytest.raises(log_target.NoLogError, match=r'^container "c" in pod "p" is not available$'):
        log_target.choose({"metadata": {"name": "p"}}, "c", previous=False)
