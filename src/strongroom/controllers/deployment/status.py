"""The status of a Deployment: counts, availability, progress. Pure.

Source: Kubernetes documentation, "Deployments" (deployment status).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from strongroom.controllers.deployment import conditions, view
from strongroom.controllers.deployment.view import Deployment, ReplicaSet
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

FIELDS = (
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
    "conditions",
)


def plain(
    deployment: Deployment,
    present: Sequence[Object],
    new: ReplicaSet | None,
    sets: Sequence[ReplicaSet],
    now: datetime,
) -> Object:
    """Counts, availability. `present`: the conditions so far; `sets`: all ReplicaSets, `new` among them."""
    available = sum(each.available for each in sets)
    counts = {
        "observedGeneration": deployment.generation,
        "replicas": sum(each.actual for each in sets),
        "updatedReplicas": new.actual if new is not None else 0,
        "readyReplicas": sum(each.ready for each in sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, view.total(sets) - available),
    }
    status: Object = {field: count for field, count in counts.items() if count}
    terminating = [each.terminating for each in sets]
    if None not in terminating:
        status["terminatingReplicas"] = sum(filter(None, terminating))
    if deployment.collisions is not None:
        status["collisionCount"] = deployment.collisions
    status["conditions"] = conditions.with_condition(
        present, _availability(available >= deployment.replicas - deployment.unavailable, now)
    )
    return status


def _availability(enough: bool, now: datetime) -> Object:
    stamp = duration.timestamp(now)
    if enough:
        text = "Deployment has minimum availability."
        return conditions.condition(conditions.AVAILABLE, "True", "MinimumReplicasAvailable", text, stamp)
    text = "Deployment does not have minimum availability."
    return conditions.condition(conditions.AVAILABLE, "False", "MinimumReplicasUnavailable", text, stamp)


def rollout(
    deployment: Deployment,
    present: Sequence[Object],
    new: ReplicaSet | None,
    sets: Sequence[ReplicaSet],
    now: datetime,
) -> Object:
    """Also whether it gets on, and what keeps it from it."""
    status = plain(deployment, present, new, sets, now)
    found = status["conditions"]
    if deployment.deadline is None:
        found = conditions.without(found, conditions.PROGRESSING)
    elif not _was_complete(status, present):
        found = _progress(deployment, present, new, status, now)
    failure = _failure(new, sets)
    if failure is None:
        found = conditions.without(found, conditions.FAILURE)
    else:
        found = conditions.with_condition(found, failure)
    status["conditions"] = found
    return status


def _was_complete(status: Object, present: Iterable[Object]) -> bool:
    """A finished rollout stays finished: a Pod that fails later is no new one."""
    done = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    return done and conditions.reason(present, conditions.PROGRESSING) == conditions.COMPLETE


def _progress(
    deployment: Deployment,
    present: Sequence[Object],
    new: ReplicaSet | None,
    status: Object,
    now: datetime,
) -> list[Object]:
    """The conditions of `status` with what is to be said of the progress."""
    found: list[Object] = status["conditions"]
    what = f'Deployment "{deployment.name}"' if new is None else f'ReplicaSet "{new.name}"'
    stamp = duration.timestamp(now)

    def said(state: str, reason: str, text: str) -> Object:
        return conditions.condition(conditions.PROGRESSING, state, reason, f"{what} {text}", stamp)

    if is_complete(deployment, status):
        done = said("True", conditions.COMPLETE, "has successfully progressed.")
        return conditions.with_condition(found, done)
    if _got_on(deployment.status, status):
        news = said("True", conditions.UPDATED, "is progressing.")
        current = conditions.find(present, conditions.PROGRESSING)
        if current is not None and current["status"] == "True":
            news["lastTransitionTime"] = current["lastTransitionTime"]
        return [*conditions.without(found, conditions.PROGRESSING), news]
    if _timed_out(deployment, found, now):
        late = said("False", conditions.TIMED_OUT, "has timed out progressing.")
        return conditions.with_condition(found, late)
    return found


def is_complete(deployment: Deployment, status: Mapping[str, Any]) -> bool:
    """Whether all Pods are of the present template and available, and no others are left."""
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    return (
        all(status.get(count, 0) == deployment.replicas for count in counts)
        and status.get("observedGeneration", 0) >= deployment.generation
    )


def _got_on(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    def past(status: Mapping[str, Any]) -> int:
        return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return past(new) < past(old) or any(new.get(count, 0) > old.get(count, 0) for count in grown)


def _timed_out(deployment: Deployment, found: Iterable[Object], now: datetime) -> bool:
    current = conditions.find(found, conditions.PROGRESSING)
    if current is None or current.get("reason") == conditions.COMPLETE:
        return False
    return _deadline(deployment, current) < now


def _deadline(deployment: Deployment, progress: Object) -> datetime:
    since = duration.parse_timestamp(progress["lastUpdateTime"])
    return since + timedelta(seconds=deployment.deadline or 0)


def look_again_in(deployment: Deployment, status: Object, now: datetime) -> float | None:
    """Seconds until it has to be said that there was no progress for too long; None: that will not be."""
    current = conditions.find(status["conditions"], conditions.PROGRESSING)
    if deployment.deadline is None or current is None or is_complete(deployment, status):
        return None
    if current.get("reason") in (conditions.TIMED_OUT, conditions.COMPLETE):
        return None
    return max(0.0, (_deadline(deployment, current) - now).total_seconds()) + 1


def _failure(new: ReplicaSet | None, sets: Iterable[ReplicaSet]) -> Object | None:
    """What keeps a ReplicaSet from having its Pods, of the new one if there is something."""
    for each in (*([new] if new is not None else []), *sets):
        for told in each.failures:
            return {
                "type": conditions.FAILURE,
                "status": told["status"],
                "lastUpdateTime": told["lastTransitionTime"],
                "lastTransitionTime": told["lastTransitionTime"],
                "reason": told.get("reason", ""),
                "message": told.get("message", ""),
            }
    return None
