"""What a Job's controller wants to know of a Pod, and the Pods that it makes. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from strongroom.api import resources
from strongroom.controllers import pod_state, pod_template
from strongroom.machinery import duration, integers, meta
from strongroom.machinery.gvk import Object

TRACKING = "batch.kubernetes.io/job-tracking"
"""The finalizer that keeps a Pod until it is counted."""
INDEX = "batch.kubernetes.io/job-completion-index"
_VARIABLE = "JOB_COMPLETION_INDEX"


def is_tracked(pod: Object) -> bool:
    return TRACKING in (pod["metadata"].get("finalizers") or ())


def succeeded(pod: Object) -> bool:
    return pod_state.phase(pod) == "Succeeded"


def failed(pod: Object, *, only_when_ended: bool) -> bool:
    """One that was told to go counts as failed at once, unless the Job waits for the end of each."""
    if pod_state.phase(pod) == "Failed":
        return True
    return not only_when_ended and bool(pod["metadata"].get("deletionTimestamp")) and not succeeded(pod)


def index_of(pod: Object) -> int | None:
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return integers.parse(text, 0)


def restarts(pods: Iterable[Object]) -> int:
    """How often containers of these Pods began anew where they are."""
    total = 0
    for pod in pods:
        if (pod["spec"].get("restartPolicy")) == "OnFailure" and pod_state.phase(pod) in (
            "Running",
            "Pending",
        ):
            status = pod.get("status") or {}
            for field in ("initContainerStatuses", "containerStatuses"):
                total += sum(each.get("restartCount") or 0 for each in status.get(field) or ())
    return total


def ended_at(pod: Object) -> datetime:
    """When it ended: its last container did, or it was no longer ready, or it was told to go; at the latest
    when it was made, if nothing says more."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    if (last := _last_end(pod.get("spec") or {}, status)) is not None:
        return duration.parse_timestamp(last)
    for condition in status.get("conditions") or ():
        since = condition.get("lastTransitionTime")
        if (condition.get("type"), condition.get("status")) == ("Ready", "False") and since:
            return duration.parse_timestamp(since)
    if deleted := metadata.get("deletionTimestamp"):
        grace = timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
        return duration.parse_timestamp(deleted) - grace
    return duration.parse_timestamp(metadata["creationTimestamp"])


def _last_end(spec: Object, status: Object) -> str | None:
    """Of its containers and sidecars; None: one of them has not ended."""
    sidecars = {c["name"] for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    beside = [each for each in status.get("initContainerStatuses") or () if each.get("name") in sidecars]
    ends = [
        ((each.get("state") or {}).get("terminated") or {}).get("finishedAt") or ""
        for each in (*(status.get("containerStatuses") or ()), *beside)
    ]
    return max(ends) if ends and all(ends) else None


def without_tracking(pod: Object) -> Object:
    """The merge patch that lets it go."""
    metadata = pod["metadata"]
    left = [each for each in metadata.get("finalizers") or () if each != TRACKING]
    return {
        "metadata": {
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "finalizers": left,
        }
    }


def make(job: Object, index: int | None) -> Object:
    """A new Pod of a whole Job; `index`: which one of an indexed Job."""
    pod = pod_template.pod(job, resources.JOBS)
    metadata = pod["metadata"]
    metadata["finalizers"] = [*(metadata.get("finalizers") or ()), TRACKING]
    if index is None:
        return pod
    name = job["metadata"]["name"]
    ending = f"-{index}-"  # which tells the Pods apart: a long name gives way to it
    metadata["generateName"] = name[: meta.GENERATED_BASE_MAX - len(ending)] + ending
    for field in ("annotations", "labels"):
        metadata[field] = {**(metadata.get(field) or {}), INDEX: str(index)}
    spec = dict(pod["spec"])
    spec["hostname"] = f"{name}-{index}"
    for kind in ("initContainers", "containers"):
        if kind in spec:
            spec[kind] = [_told_its_index(container) for container in spec[kind]]
    return {**pod, "spec": spec}


def _told_its_index(container: Object) -> Object:
    env = list(container.get("env") or ())
    if any(variable.get("name") == _VARIABLE for variable in env):
        return container
    field = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
    return {**container, "env": [*env, {"name": _VARIABLE, "valueFrom": field}]}
