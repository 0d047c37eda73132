"""Nodes and what is placed on them, as events tell it: the scheduler's picture of the cluster."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from strongroom.api.core.v1.pod import totals
from strongroom.api.core.v1.pod.totals import Amounts
from strongroom.client.watching import DELETED
from strongroom.controllers.scheduling import node_matching, pod_use
from strongroom.controllers.scheduling.pod_use import PodUse
from strongroom.machinery.gvk import Object

_FINISHED = ("Succeeded", "Failed")


def key_of(obj: Object) -> str:
    """`namespace/name`."""
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"


@dataclass(slots=True)
class Load:
    """The Pods of a node and the sum of what they take."""

    pods: dict[str, PodUse] = field(default_factory=dict)
    used: Amounts = field(default_factory=dict)

    def add(self, key: str, use: PodUse) -> None:
        self.pods[key] = use
        for name, amount in use.requests.items():
            self.used[name] = self.used.get(name, 0) + amount

    def with_guests(self, guests: Mapping[str, PodUse]) -> "Load":
        """A copy with more Pods."""
        load = Load(dict(self.pods), dict(self.used))
        for key, use in guests.items():
            load.add(key, use)
        return load

    def remove(self, key: str) -> None:
        for name, amount in self.pods.pop(key).requests.items():
            self.used[name] -= amount


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node, what it has to give, and its load."""

    node: Object
    allocatable: Amounts
    load: Load

    @property
    def name(self) -> str:
        name: str = self.node["metadata"]["name"]
        return name

    @property
    def labels(self) -> Mapping[str, str]:
        labels: Mapping[str, str] = self.node["metadata"].get("labels") or {}
        return labels


class Cluster:
    """Fed with events of Pods and nodes, in any order, and with the scheduler's own decisions ahead of them.

    Each `…_changed` answers whether there is more room, or other room, than before: whether a Pod that found
    no node may find one now.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, tuple[Object, Amounts, Any]] = {}
        self._loads: dict[str, Load] = {}
        self._placed: dict[str, str] = {}
        self._assumed: set[str] = set()
        self._aloof: set[str] = set()
        """Pods that must be far from others."""
        self._nominated: dict[str, tuple[str, PodUse]] = {}
        """Pods without a node, and the node where room is being made for them."""

    @property
    def has_aloof(self) -> bool:
        """Whether any placed Pod must be far from some others."""
        return bool(self._aloof)

    def candidates(self, key: str = "", priority: int = 0) -> Iterable[Candidate]:
        """All nodes, as the Pod `key` sees them: room that is made for others counts as taken, unless those
        are less important."""
        guests: dict[str, dict[str, PodUse]] = {}
        for other, (where, use) in self._nominated.items():
            if other != key and use.priority >= priority:
                guests.setdefault(where, {})[other] = use
        for name, (node, allocatable, _) in self._nodes.items():
            load = self._load(name)
            yield Candidate(node, allocatable, load.with_guests(guests[name]) if name in guests else load)

    def nominated(self, key: str) -> str:
        """The node where room is being made for the Pod, or ""."""
        return self._nominated[key][0] if key in self._nominated else ""

    def nominate(self, key: str, node: str, use: PodUse) -> list[str]:
        """Room is being made for the Pod on the node. Gives the less important Pods that waited for that."""
        outdone = [
            other
            for other, (where, guest) in self._nominated.items()
            if where == node and guest.priority < use.priority and other != key
        ]
        self._nominated[key] = (node, use)
        for other in outdone:
            del self._nominated[other]
        return outdone

    def forget_nomination(self, key: str) -> None:
        self._nominated.pop(key, None)

    def told_to_go(self, key: str) -> None:
        """The Pod is about to end to make room, though its events don't tell yet."""
        node = self._placed.get(key)
        if node is not None:
            pods = self._loads[node].pods
            pods[key] = replace(pods[key], leaving=True, preempted=True)

    def node_changed(self, kind: str, node: Object) -> bool:
        name = node["metadata"]["name"]
        if kind == DELETED:
            self._nodes.pop(name, None)
            return False
        seen = _what_counts(node)
        known = self._nodes.get(name)
        allocatable = totals.amounts((node.get("status") or {}).get("allocatable"))
        self._nodes[name] = (node, allocatable, seen)
        return known is None or known[2] != seen

    def pod_changed(self, kind: str, pod: Object) -> bool:
        key = key_of(pod)
        if kind == DELETED or (pod.get("status") or {}).get("phase") in _FINISHED:
            self._assumed.discard(key)
            had_room = self._nominated.pop(key, None) is not None
            return self._remove(key) or had_room
        node = (pod.get("spec") or {}).get("nodeName")
        if node:
            self._assumed.discard(key)
            self._nominated.pop(key, None)
            self._place(key, node, pod_use.of(pod))
        elif key not in self._nominated and (where := (pod.get("status") or {}).get("nominatedNodeName")):
            self._nominated[key] = (where, pod_use.of(pod))
        return False

    def assume(self, key: str, node: str, use: PodUse) -> None:
        """The Pod is being bound to the node."""
        self._assumed.add(key)
        self._nominated.pop(key, None)
        self._place(key, node, use)

    def forget(self, key: str) -> None:
        """The binding failed."""
        if key in self._assumed:
            self._assumed.discard(key)
            self._remove(key)

    def labels_of(self, key: str) -> Mapping[str, str] | None:
        """The labels of a Pod that is placed."""
        node = self._placed.get(key)
        return self._loads[node].pods[key].labels if node is not None else None

    def is_assumed(self, key: str) -> bool:
        return key in self._assumed

    def _load(self, node: str) -> Load:
        return self._loads.setdefault(node, Load())

    def _place(self, key: str, node: str, use: PodUse) -> None:
        self._remove(key)
        self._placed[key] = node
        if use.wishes.far:
            self._aloof.add(key)
        self._load(node).add(key, use)

    def _remove(self, key: str) -> bool:
        node = self._placed.pop(key, None)
        if node is None:
            return False
        self._aloof.discard(key)
        load = self._load(node)
        load.remove(key)
        if not load.pods:
            del self._loads[node]
        return True


def _what_counts(node: Object) -> Any:
    """What of a node the rules look at; a heartbeat changes none of it."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    return (
        node["metadata"].get("labels") or {},
        spec.get("unschedulable", False),
        spec.get("taints") or [],
        status.get("allocatable") or {},
        node_matching.ready_status(node),
    )
