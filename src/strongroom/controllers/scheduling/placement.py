"""Finds the node for a Pod, or says why there is none, in the scheduler's own words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.api.core.v1.pod import node_affinity
from strongroom.controllers.scheduling import affinity, node_matching, pod_use, scoring, topology_spread
from strongroom.controllers.scheduling.affinity import NamespaceLabels, Neighbourhood, Resident
from strongroom.controllers.scheduling.cluster import Candidate
from strongroom.controllers.scheduling.pod_use import PodUse
from strongroom.controllers.scheduling.topology_spread import Spread
from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object

NO_NODES = "no nodes available to schedule pods"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"


@dataclass(frozen=True, slots=True)
class Placed:
    """Bind the Pod to this node."""

    node: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a node does not take the Pod. `preemption`: whether it could if other Pods were gone, in words."""

    reasons: tuple[str, ...]
    preemption: str = NOT_HELPFUL


_NOT_NAMED = Refusal(("node(s) didn't satisfy plugin(s) [NodeAffinity]",))


@dataclass(frozen=True, slots=True)
class Unschedulable:
    """No node fits; by node, why. `contradiction`: why none ever could, in place of their reasons."""

    refusals: Mapping[str, Refusal]
    contradiction: str = ""

    @property
    def reasons(self) -> str:
        """For the event and the condition, without what preemption could do."""
        if not self.refusals:
            return NO_NODES
        if self.contradiction:
            return f"0/{len(self.refusals)} nodes are available: {self.contradiction}."
        found = Counter(reason for refusal in self.refusals.values() for reason in refusal.reasons)
        return histogram(len(self.refusals), found)

    @property
    def message(self) -> str:
        """The same, when preemption was of no use to any node."""
        if not self.refusals:
            return NO_NODES
        tails = Counter(refusal.preemption for refusal in self.refusals.values())
        return f"{self.reasons} preemption: {histogram(len(self.refusals), tails)}"


def place(
    pod: Object,
    use: PodUse,
    candidates: Iterable[Candidate],
    *,
    others_are_aloof: bool = True,
    namespace_labels: NamespaceLabels = affinity.no_labels,
    first: str = "",
) -> Placed | Unschedulable:
    """The best of the nodes that fit, or the `first` if that does. `use`: what the Pod takes.
    `others_are_aloof`: whether any placed Pod must be far from others; nobody looks at them otherwise."""
    spec = pod.get("spec") or {}
    candidates = list(candidates)
    nodes = {candidate.name: candidate for candidate in candidates}
    named = node_matching.names(spec)
    if named is not None and not named:
        text = "pod affinity terms conflict"
        return Unschedulable({name: Refusal((text,)) for name in nodes}, text)
    neighbourhood = None
    if use.wishes or others_are_aloof:
        residents = _residents(candidates)
        neighbourhood = Neighbourhood(use.wishes, use.namespace, use.labels, residents, namespace_labels)
    hard, soft = (_spread(kind, spec, use, nodes) for kind in (topology_spread.HARD, topology_spread.SOFT))
    fitting: list[Candidate] = []
    refusals: dict[str, Refusal] = {}
    for candidate in candidates:
        if named is not None and candidate.name not in named:
            refusals[candidate.name] = _NOT_NAMED
            continue
        refusal = _refuses(spec, use, candidate) or _is_misplaced(use, candidate, neighbourhood, hard)
        if refusal is None:
            fitting.append(candidate)
        else:
            refusals[candidate.name] = refusal
    if first in nodes and first not in refusals:
        return Placed(first)
    if fitting:
        return Placed(scoring.best(spec, use, fitting, neighbourhood, soft or hard).name)
    return Unschedulable(refusals)


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
) -> Refusal | None:
    """The first rule about other Pods that keeps the Pod off the node."""
    labels = candidate.labels
    if spread is not None:
        text = "node(s) didn't match pod topology spread constraints"
        if spread.is_outside(labels):
            return Refusal((f"{text} (missing required label)",))
        if spread.skews(labels):
            return Refusal((text,), NO_VICTIMS)
    if neighbourhood is None:
        return None
    if use.wishes.near and not neighbourhood.finds_company(labels):
        return Refusal(("node(s) didn't match pod affinity rules",))
    if neighbourhood.is_crowded(labels):
        return Refusal(("node(s) didn't match pod anti-affinity rules",), NO_VICTIMS)
    if neighbourhood.keeps_away(labels):
        return Refusal(("node(s) didn't satisfy existing pods anti-affinity rules",), NO_VICTIMS)
    return None


def _refuses(spec: Mapping[str, Any], use: PodUse, candidate: Candidate) -> Refusal | None:
    """The first rule that keeps the Pod off the node."""
    node = candidate.node
    if (node.get("spec") or {}).get("unschedulable") and not node_matching.tolerated(
        node_matching.UNSCHEDULABLE, spec.get("tolerations") or ()
    ):
        return Refusal(("node(s) were unschedulable",))
    if not node_matching.let_in(spec, node):
        return Refusal(("node(s) had untolerated taint(s)",))
    if not node_affinity.wanted(spec, node):
        return Refusal(("node(s) didn't match Pod's node affinity/selector",))
    if any(
        _clash(port, taken)
        for other in candidate.load.pods.values()
        for port in use.ports
        for taken in other.ports
    ):
        return Refusal(("node(s) didn't have free ports for the requested pod ports",), NO_VICTIMS)
    return _lacks(use, candidate)


def _clash(a: pod_use.Port, b: pod_use.Port) -> bool:
    same_address = a[0] == b[0] or pod_use.ANY_ADDRESS in (a[0], b[0])
    return same_address and a[1:] == b[1:]


def _lacks(use: PodUse, candidate: Candidate) -> Refusal | None:
    """Every resource that there is not enough of."""
    reasons: list[str] = []
    preemption = NO_VICTIMS
    allocatable, used = candidate.allocatable, candidate.load.used
    if len(candidate.load.pods) + 1 > allocatable.get("pods", 0) // quantity.NANO:
        reasons.append("Too many pods")
    for name, amount in use.requests.items():
        room = allocatable.get(name, 0)
        if amount and amount > room - used.get(name, 0):
            reasons.append(f"Insufficient {name}")
            if amount > room:
                preemption = NOT_HELPFUL
    return Refusal(tuple(reasons), preemption) if reasons else None


def histogram(total: int, counts: Mapping[str, int]) -> str:
    """How many nodes are not available for which reason."""
    entries = sorted(f"{count} {reason}" for reason, count in counts.items())
    return f"0/{total} nodes are available: {', '.join(entries)}."
