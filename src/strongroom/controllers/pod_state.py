"""What controllers want to know of a Pod. Times are passed in.

Source: Kubernetes documentation, "Pod Lifecycle"; `podutil` of Kubernetes.
"""

from datetime import datetime, timedelta

from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

FINISHED = ("Succeeded", "Failed")


def reduce(pod: Object) -> Object:
    """What informers of controllers keep of it: all but who set which field, a third of its size."""
    metadata = {key: value for key, value in pod["metadata"].items() if key != "managedFields"}
    return {**pod, "metadata": metadata}


def phase(pod: Object) -> str:
    return (pod.get("status") or {}).get("phase") or "Pending"


def node(pod: Object) -> str:
    """The node it is bound to, or ""."""
    return (pod.get("spec") or {}).get("nodeName") or ""


def is_finished(pod: Object) -> bool:
    return phase(pod) in FINISHED


def is_terminating(pod: Object) -> bool:
    """Whether it was told to go and has not ended."""
    return bool(pod["metadata"].get("deletionTimestamp")) and not is_finished(pod)


def is_active(pod: Object) -> bool:
    """Whether it does its work, or will."""
    return not pod["metadata"].get("deletionTimestamp") and not is_finished(pod)


def ready_since(pod: Object) -> datetime | None:
    """Since when it is ready; None: it is not."""
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Ready":
            if condition.get("status") != "True":
                return None
            stamp = condition.get("lastTransitionTime")
            return duration.parse_timestamp(stamp) if stamp else _ALWAYS
    return None


def find(pod: Object, type: str) -> Object | None:
    """The Pod's condition of that type."""
    known: list[Object] = (pod.get("status") or {}).get("conditions") or []
    return next((each for each in known if each.get("type") == type), None)


def condition(pod: Object, type: str, status: str, reason: str, message: str, now: datetime) -> Object | None:
    """The condition that the Pod is to have; None: it has it. Another text alone is no transition."""
    said = {"type": type, "status": status, "reason": reason, "message": message}
    since = duration.timestamp(now)
    if (known := find(pod, type)) is not None:
        if all(known.get(key) == value for key, value in said.items()):
            return None
        if known.get("status") == status:
            since = known.get("lastTransitionTime") or since
    found: Object = {**said, "lastProbeTime": None, "lastTransitionTime": since}
    if generation := (pod.get("metadata") or {}).get("generation"):
        found["observedGeneration"] = generation
    return found


_ALWAYS = duration.parse_timestamp("1970-01-01T00:00:00Z")


def available_in(pod: Object, min_ready_seconds: int, now: datetime) -> float | None:
    """Seconds until it has been ready for long enough: 0 when it has, None when it is not ready."""
    since = ready_since(pod)
    if since is None:
        return None
    if not min_ready_seconds:
        return 0.0
    left = since + timedelta(seconds=min_ready_seconds) - now
    return max(0.0, left.total_seconds())
