"""Which of the nodes that fit is best: the marks of Kubernetes' default scheduler profile, each 0 to 100."""

from collections.abc import Mapping, Sequence
from typing import Any

from strongroom.controllers.scheduling import affinity, node_matching
from strongroom.controllers.scheduling.affinity import Neighbourhood
from strongroom.controllers.scheduling.cluster import Candidate
from strongroom.controllers.scheduling.pod_use import PodUse
from strongroom.controllers.scheduling.topology_spread import Spread
from strongroom.machinery import quantity

_LEAST_CPU = quantity.parse("100m").nanos
_LEAST_MEMORY = quantity.parse("200Mi").nanos
"""What a Pod without requests is taken to use when loads are compared."""
_TAINTS, _NODE_AFFINITY, _SPREAD, _POD_AFFINITY, _ROOM = 3, 2, 2, 2, 1


def best(
    spec: Mapping[str, Any],
    use: PodUse,
    fitting: Sequence[Candidate],
    neighbourhood: Neighbourhood | None,
    spread: Spread | None,
) -> Candidate:
    """The one with most marks; then the one with fewest Pods, then the first by name."""
    if len(fitting) == 1:
        return fitting[0]
    marks = [_ROOM * _room(use, candidate) for candidate in fitting]
    _add(marks, -_TAINTS, [node_matching.unwelcome(spec, c.node) for c in fitting])
    preferred = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(affinity.PREFERRED)
    if preferred:
        _add(marks, _NODE_AFFINITY, [node_matching.preference(preferred, c.node) for c in fitting])
    if neighbourhood is not None:
        _add(marks, _POD_AFFINITY, [neighbourhood.liking(c.labels) for c in fitting])
    if spread is not None:
        _add(marks, -_SPREAD, [spread.fullness(c.labels) for c in fitting])
    elif use.owner:
        # Without constraints of their own, Pods of one owner are spread over nodes.
        siblings = [sum(other.owner == use.owner for other in c.load.pods.values()) for c in fitting]
        _add(marks, -_SPREAD, siblings)

    def rank(index: int) -> tuple[float, int, str]:
        candidate = fitting[index]
        return -marks[index], len(candidate.load.pods), candidate.name

    return fitting[min(range(len(fitting)), key=rank)]


def _add(marks: list[float], weight: int, values: Sequence[int]) -> None:
    """Marks for `values` in proportion, the largest 100 (or, with a negative weight, 0)."""
    low, high = min(values), max(values)
    if low == high:
        return
    for index, value in enumerate(values):
        share = (value - low) / (high - low)
        marks[index] += abs(weight) * 100 * (share if weight > 0 else 1 - share)


def _room(use: PodUse, candidate: Candidate) -> float:
    """How much of the node's CPU and memory would be left, of 100."""
    left = 0.0
    for name, least in (("cpu", _LEAST_CPU), ("memory", _LEAST_MEMORY)):
        room = candidate.allocatable.get(name, 0)
        amount = max(use.requests.get(name, 0), least) + sum(
            max(other.requests.get(name, 0), least) for other in candidate.load.pods.values()
        )
        left += max(1.0 - amount / room, 0.0) if room else 0.0
    return left * 50
