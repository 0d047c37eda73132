"""Which container's log a request means, judged by the pod's status as the kubelet judges it."""

from collections.abc import Mapping
from typing import Any

_PULLING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}
_LISTS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


class NoLogError(Exception):
    """There is no log to show; `str()` is the sentence for the user."""


def choose(pod: Mapping[str, Any], container: str, *, previous: bool) -> str:
    """Id, without `containerd://`, of the container whose log is meant; raises `NoLogError`."""
    name = pod["metadata"]["name"]
    subject = f'container "{container}" in pod "{name}"'
    status = _status(pod, container)
    if status is None:
        raise NoLogError(f"{subject} is not available")
    state, last = status.get("state") or {}, _terminated_id(status.get("lastState"))
    if previous:
        if not last:
            raise NoLogError(f"previous terminated {subject} not found")
        return last
    if "running" in state:
        return _bare(status.get("containerID"))
    if "terminated" in state:
        chosen = _terminated_id(state) or last
        if not chosen:
            raise NoLogError(f"{subject} is terminated")
        return chosen
    if "terminated" in (status.get("lastState") or {}):
        if not last:
            raise NoLogError(f"{subject} is terminated")
        return last
    if "waiting" not in state:
        raise NoLogError(f"{subject} is waiting to start - no logs yet")
    reason = (state["waiting"] or {}).get("reason", "")
    raise NoLogError(f"{subject} is waiting to start: {_PULLING.get(reason, reason)}")


def _status(pod: Mapping[str, Any], container: str) -> Mapping[str, Any] | None:
    status = pod.get("status") or {}
    for statuses in _LISTS:
        for one in status.get(statuses) or ():
            if one.get("name") == container:
                found: Mapping[str, Any] = one
                return found
    return None


def _terminated_id(state: Mapping[str, Any] | None) -> str:
    return _bare(((state or {}).get("terminated") or {}).get("containerID"))


def _bare(container_id: str | None) -> str:
    return (container_id or "").rpartition("//")[2]
