"""Which Pods go first when a ReplicaSet has too many.

Source: Kubernetes documentation, "ReplicaSet" (scaling down); KEP-2185 (orders of magnitude of the age),
KEP-2255 (deletion cost).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from strongroom.controllers import pod_state
from strongroom.machinery import duration, integers
from strongroom.machinery.gvk import Object

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1}
_RUNNING = 2


def to_delete(pods: Sequence[Object], count: int, related: Iterable[Object], now: datetime) -> list[Object]:
    """`count` of `pods`, those that are missed least.

    `related`: active Pods of the same workload; a node that has many of them can miss one.
    """
    if count >= len(pods):
        return list(pods)
    crowd = Counter(pod_state.node(pod) for pod in related)
    return sorted(pods, key=lambda pod: _key(pod, crowd, now))[:count]


def _key(pod: Object, crowd: Counter[str], now: datetime) -> tuple[Any, ...]:
    node, ready = pod_state.node(pod), pod_state.ready_since(pod)
    created = pod["metadata"].get("creationTimestamp")
    restarts, sidecars = _restarts(pod, "containerStatuses"), _restarts(pod, "initContainerStatuses")
    return (
        node != "",
        _PHASES.get(pod_state.phase(pod), _RUNNING),
        ready is not None,
        cost(pod),
        -crowd[node],
        _magnitude(ready, now),
        -restarts,
        -sidecars,
        _magnitude(duration.parse_timestamp(created) if created else None, now),
        pod["metadata"]["uid"],
    )


def cost(pod: Object) -> int:
    """The Pod's deletion cost, 0 without one that can be read."""
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "0")
    digits = text[1:] if text[:1] == "-" else text
    if not (digits.isascii() and digits.isdigit()) or (len(digits) > 1 and digits[0] == "0"):
        return 0
    return integers.parse(text, -(2**31), 2**31 - 1) or 0


def _restarts(pod: Object, field: str) -> int:
    statuses = (pod.get("status") or {}).get(field) or ()
    return max((status.get("restartCount") or 0 for status in statuses), default=0)


def _magnitude(moment: datetime | None, now: datetime) -> int:
    """The order of magnitude of the time since then; among those that are alike, chance decides."""
    if moment is None:
        return -1
    nanoseconds = (now - moment).total_seconds() * 1e9
    return int(math.log2(nanoseconds)) if nanoseconds >= 1 else -1
