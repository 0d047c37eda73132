"""Finds the node for a Pod, or says why there is none, in the scheduler's own words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.controllers.scheduling import affinity, node_matching, pod_use, scoring, topology_spread
from strongroom.controllers.scheduling.affinity import NamespaceLabels, Neighbourhood, Resident
from strongroom.controllers.scheduling.cluster import Candidate
from strongroom.controllers.scheduling.pod_use import PodUse
from strongroom.controllers.scheduling.topology_spread import Spread
from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object

NO_NODES = "no nodes available to schedule pods"
_NOT_HELPFUL = "Preemption is not helpful for scheduling"
_NO_VICTIMS = "No preemption victims found for incoming pod"


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


def place(
    pod: Object,
    use: PodUse,
    candidates: Iterable[Candidate],
    *,
    others_are_aloof: bool = True,
    namespace_labels: NamespaceLabels = affinity.no_labels,
) -> Placed | Unschedulable:
    """The best of the nodes that fit. `use`: what the Pod takes. `others_are_aloof`: whether any placed Pod
    must be far from some others; nobody looks at them otherwise."""
    spec = pod.get("spec") or {}
    candidates = list(candidates)
    nodes = {candidate.name: candidate for candidate in candidates}
    neighbourhood = None
    if use.wishes or others_are_aloof:
        residents = _residents(candidates)
        neighbourhood = Neighbourhood(use.wishes, use.namespace, use.labels, residents, namespace_labels)
    hard, soft = (_spread(kind, spec, use, nodes) for kind in (topology_spread.HARD, topology_spread.SOFT))
    fitting: list[Candidate] = []
    refusals: list[_Refusal] = []
    for candidate in candidates:
        refusal = _refuses(spec, use, candidate) or _is_misplaced(use, candidate, neighbourhood, hard)
        if refusal is None:
            fitting.append(candidate)
        else:
            refusals.append(refusal)
    if fitting:
        return Placed(scoring.best(spec, use, fitting, neighbourhood, soft or hard).name)
    return Unschedulable(_explain(refusals) if refusals else NO_NODES)


def is_choosy(pod: Object) -> bool:
    """Whether it depends on where other Pods are that there is a node for the Pod."""
    spec = pod.get("spec") or {}
    affinities = spec.get("affinity") or {}
    return bool(
        spec.get("topologySpreadConstraints")
        or affinities.get("podAffinity")
        or affinities.get("podAntiAffinity")
    )


def _residents(candidates: Iterable[Candidate]) -> Iterable[Resident]:
    for candidate in candidates:
        for other in candidate.load.pods.values():
            yield Resident(other.namespace, other.labels, other.wishes, candidate.labels)


def _spread(
    kind: str, spec: Mapping[str, Any], use: PodUse, candidates: Mapping[str, Candidate]
) -> Spread | None:
    wanted = topology_spread.constraints(spec, use.labels, kind)
    if not wanted:
        return None

    def residents(node: Object) -> Iterable[Mapping[str, str]]:
        others = candidates[node["metadata"]["name"]].load.pods.values()
        return (o.labels for o in others if o.namespace == use.namespace and not o.leaving)

    return Spread(wanted, spec, use.labels, [c.node for c in candidates.values()], residents)


def _is_misplaced(
    use: PodUse, candidate: Candidate, neighbourhood: Neighbourhood | None, spread: Spread | None
) -> _Refusal | None:
    """The first rule about other Pods that keeps the Pod off the node."""
    labels = candidate.labels
    if spread is not None:
        text = "node(s) didn't match pod topology spread constraints"
        if spread.is_outside(labels):
            return _Refusal((f"{text} (missing required label)",))
        if spread.skews(labels):
            return _Refusal((text,), _NO_VICTIMS)
    if neighbourhood is None:
        return None
    if use.wishes.near and not neighbourhood.finds_company(labels):
        return _Refusal(("node(s) didn't match pod affinity rules",))
    if neighbourhood.is_crowded(labels):
        return _Refusal(("node(s) didn't match pod anti-affinity rules",), _NO_VICTIMS)
    if neighbourhood.keeps_away(labels):
        return _Refusal(("node(s) didn't satisfy existing pods anti-affinity rules",), _NO_VICTIMS)
    return None


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


def _explain(refusals: list[_Refusal]) -> str:
    reasons = Counter(reason for refusal in refusals for reason in refusal.reasons)
    tails = Counter(refusal.preemption for refusal in refusals)
    total = len(refusals)
    return f"{_histogram(total, reasons)} preemption: {_histogram(total, tails)}"


def _histogram(total: int, counts: Counter[str]) -> str:
    entries = sorted(f"{count} {reason}" for reason, count in counts.items())
    return f"0/{total} nodes are available: {', '.join(entries)}."
