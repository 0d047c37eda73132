"""Quality of service: who is killed first when memory runs out."""

from collections.abc import Iterable

from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object

GUARANTEED = "Guaranteed"
BURSTABLE = "Burstable"
BEST_EFFORT = "BestEffort"
_COUNTED = ("cpu", "memory")


def containers(pod: Object) -> Iterable[Object]:
    """All containers of the pod's spec, init containers first."""
    spec = pod.get("spec") or {}
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def class_of(pod: Object) -> str:
    """The class that the API server gave the pod, or would give."""
    if known := (pod.get("status") or {}).get("qosClass"):
        return str(known)
    guaranteed, nothing = True, True
    for container in containers(pod):
        resources = container.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        for name in _COUNTED:
            limit = quantity.of(limits.get(name, "0"))
            request = quantity.of(requests.get(name, limits.get(name, "0")))
            nothing = nothing and not limit.nanos and not request.nanos
            guaranteed = guaranteed and bool(limit.nanos) and limit == request
    if nothing:
        return BEST_EFFORT
    return GUARANTEED if guaranteed else BURSTABLE


def oom_score(pod: Object, container: Object, memory: int) -> int:
    """`oom_score_adj` of a container on a machine with `memory` bytes: 1000 is killed first."""
    match class_of(pod):
        case "Guaranteed":
            return -997
        case "BestEffort":
            return 1000
    request = (((container.get("resources") or {}).get("requests")) or {}).get("memory", "0")
    share = 1000 - (1000 * quantity.of(request).value()) // max(memory, 1)
    return max(3, min(999, share))
