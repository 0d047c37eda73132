"""Who is killed first when memory runs out, by a pod's quality of service."""

from collections.abc import Iterable

from strongroom.api.core.v1.pod import qos
from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object


def containers(pod: Object) -> Iterable[Object]:
    """All containers of the pod's spec, init containers first."""
    spec = pod.get("spec") or {}
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def class_of(pod: Object) -> str:
    """The class that the API server gave the pod, or would give."""
    return str((pod.get("status") or {}).get("qosClass") or qos.qos_class(pod))


def oom_score(pod: Object, container: Object, memory: int) -> int:
    """`oom_score_adj` of a container on a machine with `memory` bytes: 1000 is killed first."""
    match class_of(pod):
        case qos.GUARANTEED:
            return -997
        case qos.BEST_EFFORT:
            return 1000
    request = ((container.get("resources") or {}).get("requests") or {}).get("memory", "0")
    share = 1000 - (1000 * quantity.of(request).value()) // max(memory, 1)
    return max(3, min(999, share))
