"""The conditions of a Deployment, and the reasons that upstream gives in them. Pure; times are passed in."""

from collections.abc import Iterable

from strongroom.machinery.gvk import Object

AVAILABLE, PROGRESSING, FAILURE = "Available", "Progressing", "ReplicaFailure"
UNKNOWN = "Unknown"

PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
CREATED, FOUND, UPDATED = "NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated"
COMPLETE, TIMED_OUT = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
CREATE_ERROR = "ReplicaSetCreateError"


def condition(type: str, status: str, reason: str, message: str, now: str) -> Object:
    return {
        "type": type,
        "status": status,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }


def find(conditions: Iterable[Object], type: str) -> Object | None:
    return next((each for each in conditions if each["type"] == type), None)


def reason(conditions: Iterable[Object], type: str) -> str:
    """The reason of that condition, "" without it."""
    return str((find(conditions, type) or {}).get("reason", ""))


def without(conditions: Iterable[Object], type: str) -> list[Object]:
    return [each for each in conditions if each["type"] != type]


def with_condition(conditions: Iterable[Object], new: Object) -> list[Object]:
    """Told anew only if its status or its reason is another; a transition is another status."""
    conditions = list(conditions)
    current = find(conditions, new["type"])
    if current is not None and current["status"] == new["status"]:
        if current.get("reason") == new["reason"]:
            return conditions
        new = {**new, "lastTransitionTime": current["lastTransitionTime"]}
    return [*without(conditions, new["type"]), new]
