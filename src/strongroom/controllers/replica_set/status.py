"""The status of a ReplicaSet. Pure.

Source: Kubernetes documentation, "ReplicaSet"; the API reference of ReplicaSetStatus.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from strongroom.controllers import pod_state, workload_cache
from strongroom.controllers.replica_set import decision
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

FAILURE = "ReplicaFailure"
FIELDS = (
    "replicas",
    "fullyLabeledReplicas",
    "readyReplicas",
    "availableReplicas",
    "terminatingReplicas",
    "observedGeneration",
    "conditions",
)


def of(
    replica_set: Object, active: Sequence[Object], terminating: int, now: datetime, failure: str | None
) -> Object:
    """The whole status. `failure`: why Pods could not be made or ended just now."""
    labels = workload_cache.LABELS
    fully = ready = available = 0
    for pod in active:
        held = pod["metadata"].get("labels") or {}
        fully += replica_set[labels].items() <= held.items()
        since = pod_state.available_in(pod, _min_ready(replica_set), now)
        ready += since is not None
        available += since == 0
    counts = {
        "replicas": len(active),
        "fullyLabeledReplicas": fully,
        "readyReplicas": ready,
        "availableReplicas": available,
    }
    status: Object = {field: count for field, count in counts.items() if count or field == "replicas"}
    status["terminatingReplicas"] = terminating
    if generation := replica_set["metadata"].get("generation"):
        status["observedGeneration"] = generation
    wanted = replica_set["spec"].get("replicas", 0)
    reason = "FailedCreate" if len(active) < wanted else "FailedDelete"
    conditions = (replica_set.get("status") or {}).get("conditions") or ()
    if found := _conditions(conditions, reason, failure, now):
        status["conditions"] = found
    return status


def why(found: Iterable[decision.Action], failure: Exception) -> str:
    """What is said of a failure to do what was found: to make Pods, or to end them."""
    ending = any(isinstance(each, decision.DeletePods) for each in found)
    return f"unable to delete pods: {failure}" if ending else str(failure)


def next_change(replica_set: Object, active: Iterable[Object], now: datetime) -> float | None:
    """Seconds until a Pod that is ready now will be available; None: none is waiting for that."""
    waits = (pod_state.available_in(pod, _min_ready(replica_set), now) for pod in active)
    return min((wait for wait in waits if wait), default=None)


def patch(replica_set: Object, status: Object) -> Object | None:
    """The merge patch that makes `status` of the present one; None: it is so already."""
    present = replica_set.get("status") or {}
    if all(present.get(field) == status.get(field) for field in FIELDS):
        return None
    uid = replica_set["metadata"]["uid"]
    return {"metadata": {"uid": uid}, "status": {field: status.get(field) for field in FIELDS}}


def _min_ready(replica_set: Object) -> int:
    return replica_set["spec"].get("minReadySeconds") or 0


def _conditions(present: Iterable[Object], reason: str, failure: str | None, now: datetime) -> list[Object]:
    """A failure stays as it was first told, until there is none."""
    others = [condition for condition in present if condition["type"] != FAILURE]
    if failure is None:
        return others
    told = [condition for condition in present if condition["type"] == FAILURE]
    return [
        *others,
        *(
            told
            or [
                {
                    "type": FAILURE,
                    "status": "True",
                    "lastTransitionTime": duration.timestamp(now),
                    "reason": reason,
                    "message": failure,
                }
            ]
        ),
    ]
