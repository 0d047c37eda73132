"""Which Pods go first when a ReplicaSet, or a Job, has too many.

Source: Kubernetes documentation, "ReplicaSet" (scaling down); KEP-2185 (orders of magnitude of the age),
KEP-2255 (deletion cost).
"""

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from strongroom.controllers import pod_state
from strongroom.machinery import duration, integers
from strongroom.machinery.gvk import Object

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1}
_RUNNING = 2
_Age = Callable[[datetime], int]
"""A number for a moment: the later, the smaller; the same for moments that are as good as the same."""


class _Candidate(NamedTuple):
    """A Pod, and what is compared of it: the smaller `use` goes first."""

    pod: Object
    uid: str
    use: tuple[int, ...]
    ready: datetime | None
    restarts: tuple[int, int]
    created: datetime | None


def to_delete(pods: Sequence[Object], count: int, related: Iterable[Object], now: datetime) -> list[Object]:
    """`count` of `pods`, those that are missed least.

    `related`: active Pods of the same workload; a node that has many of them can miss one. Of two whose ages
    differ, but are of one order of magnitude, the uid decides, and nothing that would come after the age.
    """
    if count >= len(pods):
        return list(pods)
    crowd = Counter(pod_state.node(pod) for pod in related)

    def magnitude(moment: datetime) -> int:
        nanoseconds = (now - moment).total_seconds() * 1e9
        return int(math.log2(nanoseconds)) if nanoseconds >= 1 else -1

    return _first([_candidate(pod, cost(pod), -crowd[pod_state.node(pod)]) for pod in pods], count, magnitude)


def of_job(pods: Sequence[Object], count: int) -> list[Object]:
    """`count` of a Job's `pods`. Costs and neighbours are not looked at; of two ages every second counts."""
    return _first([_candidate(pod) for pod in pods], count, lambda moment: -int(moment.timestamp() * 1e6))


def _candidate(pod: Object, *more: int) -> _Candidate:
    metadata, ready = pod["metadata"], pod_state.ready_since(pod)
    phase = _PHASES.get(pod_state.phase(pod), _RUNNING)
    created = metadata.get("creationTimestamp")
    return _Candidate(
        pod,
        metadata["uid"],
        (pod_state.node(pod) != "", phase, ready is not None, *more),
        ready,
        _restarts(pod),
        duration.parse_timestamp(created) if created else None,
    )


def _first(candidates: Iterable[_Candidate], count: int, age: _Age) -> list[Object]:
    def by_age(one: datetime | None, other: datetime | None, uids: tuple[str, str]) -> int:
        if one is None or other is None or one == other:
            return 0
        return _order(age(one), age(other)) or _order(*uids)

    def compare(one: _Candidate, other: _Candidate) -> int:
        uids = one.uid, other.uid
        return (
            _order(one.use, other.use)
            or by_age(one.ready, other.ready, uids)
            or _order(other.restarts, one.restarts)
            or by_age(one.created, other.created, uids)
            or _order(*uids)
        )

    return [each.pod for each in sorted(candidates, key=functools.cmp_to_key(compare))[:count]]


def _order(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def cost(pod: Object) -> int:
    """The Pod's deletion cost, 0 without one that can be read."""
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "0")
    digits = text[1:] if text[:1] == "-" else text
    if not (digits.isascii() and digits.isdigit()) or (len(digits) > 1 and digits[0] == "0"):
        return 0
    return integers.parse(text, -(2**31), 2**31 - 1) or 0


def _restarts(pod: Object) -> tuple[int, int]:
    """The most restarts of one of its containers, and of one of its sidecars."""
    status = pod.get("status") or {}
    sidecars = {
        each["name"]
        for each in (pod.get("spec") or {}).get("initContainers") or ()
        if each.get("restartPolicy") == "Always"
    }
    beside = (each for each in status.get("initContainerStatuses") or () if each.get("name") in sidecars)
    return _most(status.get("containerStatuses") or ()), _most(beside)


def _most(statuses: Iterable[Object]) -> int:
    return max((each.get("restartCount") or 0 for each in statuses), default=0)
