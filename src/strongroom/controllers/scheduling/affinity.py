"""Pods that want to be near other Pods, or far from them.

Source: Kubernetes documentation, "Assigning Pods to Nodes" (inter-pod affinity and anti-affinity).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.machinery import selectors
from strongroom.machinery.selectors import LabelSelector

Labels = Mapping[str, str]
NamespaceLabels = Callable[[str], Labels]
"""The labels of a namespace."""

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def no_labels(namespace: str) -> Labels:
    return {}


@dataclass(frozen=True, slots=True)
class Term:
    """Which Pods, and within what: nodes that have the same value of the label `topology` are one place."""

    topology: str
    selector: LabelSelector | None
    namespaces: frozenset[str]
    namespace_selector: LabelSelector | None
    equal: tuple[tuple[str, str], ...] = ()
    unequal: tuple[tuple[str, str], ...] = ()
    """Labels that the Pods must, and must not, have with the same value as the Pod that the term is of."""

    def chooses(self, namespace: str, labels: Labels, namespace_labels: NamespaceLabels) -> bool:
        """Whether it is about a Pod of that namespace with those labels."""
        if self.selector is None or not self.selector.matches(labels):
            return False
        if any(labels.get(key) != value for key, value in self.equal):
            return False
        if any(labels.get(key) == value for key, value in self.unequal):
            return False
        if namespace in self.namespaces:
            return True
        selector = self.namespace_selector
        return selector is not None and (selector.empty or selector.matches(namespace_labels(namespace)))


@dataclass(frozen=True, slots=True)
class Weighted:
    """A wish: `weight` counts for each Pod that it is about, against if it is to be avoided."""

    weight: int
    term: Term


@dataclass(frozen=True, slots=True)
class Wishes:
    """All that a Pod says about other Pods."""

    near: tuple[Term, ...] = ()
    far: tuple[Term, ...] = ()
    rather: tuple[Weighted, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.near or self.far or self.rather)


NONE = Wishes()


def wishes(spec: Mapping[str, Any], namespace: str, labels: Labels) -> Wishes:
    """Of a Pod in that namespace with those labels. A selector that does not parse chooses nothing."""
    affinity = spec.get("affinity") or {}
    near, far = affinity.get("podAffinity") or {}, affinity.get("podAntiAffinity") or {}
    if not near and not far:
        return NONE
    rather = [
        Weighted(
            sign * int(each.get("weight", 0)), _term(each.get("podAffinityTerm") or {}, namespace, labels)
        )
        for sign, held in ((1, near), (-1, far))
        for each in held.get(PREFERRED) or ()
    ]
    return Wishes(
        tuple(_term(each, namespace, labels) for each in near.get(REQUIRED) or ()),
        tuple(_term(each, namespace, labels) for each in far.get(REQUIRED) or ()),
        tuple(rather),
    )


def _term(term: Mapping[str, Any], namespace: str, labels: Labels) -> Term:
    namespaces, selector = term.get("namespaces") or (), term.get("namespaceSelector")
    own = (namespace,) if not namespaces and selector is None else namespaces
    return Term(
        term.get("topologyKey", ""),
        parsed(term.get("labelSelector")),
        frozenset(own),
        parsed(selector),
        same_labels(term.get("matchLabelKeys") or (), labels),
        same_labels(term.get("mismatchLabelKeys") or (), labels),
    )


def parsed(selector: Mapping[str, Any] | None) -> LabelSelector | None:
    try:
        return selectors.from_object(selector)
    except selectors.SelectorError:
        return None


def same_labels(keys: Sequence[str], labels: Labels) -> tuple[tuple[str, str], ...]:
    """The Pod's own labels of these keys; a key that it has not says nothing."""
    return tuple((key, labels[key]) for key in keys if key in labels)


@dataclass(frozen=True, slots=True)
class Resident:
    """A Pod that is placed, and the labels of its node."""

    namespace: str
    labels: Labels
    wishes: Wishes
    places: Labels


Place = tuple[str, str]
"""A topology label and its value."""


class Neighbourhood:
    """Where the Pods are that one Pod wants near or far, and those that want it far. For one decision."""

    def __init__(
        self,
        wishes: Wishes,
        namespace: str,
        labels: Labels,
        residents: Iterable[Resident],
        namespace_labels: NamespaceLabels,
    ) -> None:
        self._wishes = wishes
        self._near: dict[Place, int] = {}
        self._far: set[Place] = set()
        self._kept_away: set[Place] = set()
        self._liked: dict[Place, int] = {}
        for resident in residents:
            self._add(resident, namespace, labels, namespace_labels)
        self._is_its_own_company = bool(wishes.near) and all(
            term.chooses(namespace, labels, namespace_labels) for term in wishes.near
        )

    def _add(
        self, resident: Resident, namespace: str, labels: Labels, namespace_labels: NamespaceLabels
    ) -> None:
        def about(term: Term) -> bool:
            return term.chooses(resident.namespace, resident.labels, namespace_labels)

        wishes, places = self._wishes, resident.places
        if wishes.near and all(about(term) for term in wishes.near):
            for term in wishes.near:
                if (place := _place(term, places)) is not None:
                    self._near[place] = self._near.get(place, 0) + 1
        for term in wishes.far:
            if (place := _place(term, places)) is not None and about(term):
                self._far.add(place)
        for wish in wishes.rather:
            if (place := _place(wish.term, places)) is not None and about(wish.term):
                self._liked[place] = self._liked.get(place, 0) + wish.weight
        for term in resident.wishes.far:
            place = _place(term, places)
            if place is not None and term.chooses(namespace, labels, namespace_labels):
                self._kept_away.add(place)

    def finds_company(self, places: Labels) -> bool:
        """Whether all whom the Pod must be near are where a node with these labels is.

        The first of its kind may go anywhere, if it would be company for itself."""
        terms = self._wishes.near
        if not all(term.topology in places for term in terms):
            return False
        if all((term.topology, places[term.topology]) in self._near for term in terms):
            return True
        return not self._near and self._is_its_own_company

    def is_crowded(self, places: Labels) -> bool:
        """Whether one whom the Pod must be far from is there."""
        return any(_place(term, places) in self._far for term in self._wishes.far)

    def keeps_away(self, places: Labels) -> bool:
        """Whether one is there who must be far from the Pod."""
        return any(places.get(key) == value for key, value in self._kept_away)

    def liking(self, places: Labels) -> int:
        """How much the Pod would rather be there."""
        return sum(weight for (key, value), weight in self._liked.items() if places.get(key) == value)


def _place(term: Term, places: Labels) -> Place | None:
    value = places.get(term.topology)
    return None if value is None else (term.topology, value)
