"""Finds the node for a Pod, or says why there is none, in the scheduler's own words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.controllers.scheduling import node_matching, pod_use
from strongroom.controllers.scheduling.cluster import Candidate
from strongroom.controllers.scheduling.pod_use import PodUse
from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object

NO_NODES = "no nodes available to schedule pods"
_NOT_HELPFUL = "Preemption is not helpful for scheduling"
_NO_VICTIMS = "No preemption victims found for incoming pod"
_LEAST_CPU = quantity.parse("100m").nanos
_LEAST_MEMORY = quantity.parse("200Mi").nanos
"""What a Pod without requests is taken to use when loads are compared."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Bind the Pod to this node."""

    node: str


@dataclass(frozen=True, slots=True)
class Unschedulable:
    """No node fits; `message` is for the event and the condition."""

    message: str


@dataclass(frozen=True, slots=True)
class _Refusal:
    reasons: tuple[str, ...]
    preemption: str = _NOT_HELPFUL


def place(pod: Object, use: PodUse, candidates: Iterable[Candidate]) -> Placed | Unschedulable:
    """The least loaded of the nodes that fit. `use`: what the Pod takes."""
    spec = pod.get("spec") or {}
    fitting: list[Candidate] = []
    refusals: list[_Refusal] = []
    for candidate in candidates:
        refusal = _refuses(spec, use, candidate)
        if refusal is None:
            fitting.append(candidate)
        else:
            refusals.append(refusal)
    if fitting:
        return Placed(min(fitting, key=lambda candidate: _rank(spec, use, candidate)).name)
    return Unschedulable(_explain(refusals) if refusals else NO_NODES)


def _refuses(spec: Mapping[str, Any], use: PodUse, candidate: Candidate) -> _Refusal | None:
    """The first rule that keeps the Pod off the node."""
    node = candidate.node
    if (node.get("spec") or {}).get("unschedulable") and not node_matching.tolerated(
        node_matching.UNSCHEDULABLE, spec.get("tolerations") or ()
    ):
        return _Refusal(("node(s) were unschedulable",))
    if not node_matching.let_in(spec, node):
        return _Refusal(("node(s) had untolerated taint(s)",))
    if not node_matching.wanted(spec, node):
        return _Refusal(("node(s) didn't match Pod's node affinity/selector",))
    if any(
        _clash(port, taken)
        for other in candidate.load.pods.values()
        for port in use.ports
        for taken in other.ports
    ):
        return _Refusal(("node(s) didn't have free ports for the requested pod ports",), _NO_VICTIMS)
    return _lacks(use, candidate)


def _clash(a: pod_use.Port, b: pod_use.Port) -> bool:
    same_address = a[0] == b[0] or pod_use.ANY_ADDRESS in (a[0], b[0])
    return same_address and a[1:] == b[1:]


def _lacks(use: PodUse, candidate: Candidate) -> _Refusal | None:
    """Every resource that there is not enough of."""
    reasons: list[str] = []
    preemption = _NO_VICTIMS
    allocatable, used = candidate.allocatable, candidate.load.used
    if len(candidate.load.pods) + 1 > allocatable.get("pods", 0) // quantity.NANO:
        reasons.append("Too many pods")
    for name, amount in use.requests.items():
        room = allocatable.get(name, 0)
        if amount and amount > room - used.get(name, 0):
            reasons.append(f"Insufficient {name}")
            if amount > room:
                preemption = _NOT_HELPFUL
    return _Refusal(tuple(reasons), preemption) if reasons else None


def _rank(spec: Mapping[str, Any], use: PodUse, candidate: Candidate) -> tuple[int, float, int, str]:
    """Smaller is better: less unwelcome, more free of CPU and memory, fewer Pods; the name decides a tie."""
    load = candidate.load
    taken = 0.0
    for name, least in (("cpu", _LEAST_CPU), ("memory", _LEAST_MEMORY)):
        room = candidate.allocatable.get(name, 0)
        amount = max(use.requests.get(name, 0), least) + sum(
            max(other.requests.get(name, 0), least) for other in load.pods.values()
        )
        taken += min(amount / room, 1.0) if room else 1.0
    return node_matching.unwelcome(spec, candidate.node), taken, len(load.pods), candidate.name


def _explain(refusals: list[_Refusal]) -> str:
    reasons = Counter(reason for refusal in refusals for reason in refusal.reasons)
    tails = Counter(refusal.preemption for refusal in refusals)
    total = len(refusals)
    return f"{_histogram(total, reasons)} preemption: {_histogram(total, tails)}"


def _histogram(total: int, counts: Counter[str]) -> str:
    entries = sorted(f"{count} {reason}" for reason, count in counts.items())
    return f"0/{total} nodes are available: {', '.join(entries)}."
