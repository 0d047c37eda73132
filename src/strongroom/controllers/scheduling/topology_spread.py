"""Pods that want to be spread evenly.

Source: Kubernetes documentation, "Pod Topology Spread Constraints".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.api.core.v1.pod import node_affinity
from strongroom.controllers.scheduling import affinity, node_matching
from strongroom.controllers.scheduling.affinity import Labels
from strongroom.machinery.gvk import Object
from strongroom.machinery.selectors import LabelSelector

HARD, SOFT = "DoNotSchedule", "ScheduleAnyway"
HONOR = "Honor"


@dataclass(frozen=True, slots=True)
class Constraint:
    """One of a Pod's topologySpreadConstraints."""

    topology: str
    max_skew: int
    min_domains: int
    selector: LabelSelector | None
    equal: tuple[tuple[str, str], ...]
    honors_affinity: bool
    honors_taints: bool

    def counts(self, labels: Labels) -> bool:
        """Whether a Pod with these labels is one of those to be spread."""
        if self.selector is None or not self.selector.matches(labels):
            return False
        return all(labels.get(key) == value for key, value in self.equal)


def constraints(spec: Mapping[str, Any], labels: Labels, kind: str) -> tuple[Constraint, ...]:
    """The Pod's constraints of a kind, `HARD` or `SOFT`."""
    return tuple(
        Constraint(
            each["topologyKey"],
            each.get("maxSkew", 1),
            each.get("minDomains") or 1,
            affinity.parsed(each.get("labelSelector")),
            affinity.same_labels(each.get("matchLabelKeys") or (), labels),
            each.get("nodeAffinityPolicy", HONOR) == HONOR,
            each.get("nodeTaintsPolicy") == HONOR,
        )
        for each in spec.get("topologySpreadConstraints") or ()
        if each.get("whenUnsatisfiable", HARD) == kind
    )


Residents = Callable[[Object], Iterable[Labels]]
"""The labels of the Pods on a node that are in the Pod's namespace and stay there."""


class Spread:
    """How many of the Pods in question are in each place. Made for one decision."""

    def __init__(
        self,
        wanted: tuple[Constraint, ...],
        spec: Mapping[str, Any],
        labels: Labels,
        nodes: Iterable[Object],
        residents: Residents,
    ) -> None:
        self._wanted = wanted
        self._itself = [int(each.counts(labels)) for each in wanted]
        self._numbers: list[dict[str, int]] = [{} for _ in wanted]
        for node in nodes:
            self._add(node, spec, residents)

    def _add(self, node: Object, spec: Mapping[str, Any], residents: Residents) -> None:
        places = node["metadata"].get("labels") or {}
        if not all(each.topology in places for each in self._wanted):
            return
        present = list(residents(node))
        for each, numbers in zip(self._wanted, self._numbers, strict=True):
            if each.honors_affinity and not node_affinity.wanted(spec, node):
                continue
            if each.honors_taints and not node_matching.let_in(spec, node):
                continue
            value = places[each.topology]
            numbers[value] = numbers.get(value, 0) + sum(each.counts(found) for found in present)

    def is_outside(self, places: Labels) -> bool:
        """Whether a node with these labels is in no place at all."""
        return not all(each.topology in places for each in self._wanted)

    def skews(self, places: Labels) -> bool:
        """Whether the Pod would make a place fuller than is allowed."""
        for each, itself, numbers in zip(self._wanted, self._itself, self._numbers, strict=True):
            least = min(numbers.values(), default=0) if len(numbers) >= each.min_domains else 0
            if numbers.get(places[each.topology], 0) + itself - least > each.max_skew:
                return True
        return False

    def fullness(self, places: Labels) -> int:
        """How many are where the node is already; a node outside of all places is fuller than any."""
        if self.is_outside(places):
            return sum(sum(numbers.values()) for numbers in self._numbers) + 1
        return sum(
            numbers.get(places[each.topology], 0)
            for each, numbers in zip(self._wanted, self._numbers, strict=True)
        )
