"""Which nodes a Pod names, how much it prefers one, and whether that lets it in.

Source: Kubernetes documentation, "Assigning Pods to Nodes", "Taints and Tolerations".
"""

from collections.abc import Iterable, Mapping
from typing import Any

from strongroom.api.core.v1.pod import node_affinity
from strongroom.machinery.gvk import Object

UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
_UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}
_REPELLING = ("NoSchedule", "NoExecute")


def names(spec: Mapping[str, Any]) -> frozenset[str] | None:
    """The nodes that required node affinity names, each of its terms some; None: one of them names none."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    found: set[str] = set()
    for term in required.get("nodeSelectorTerms") or ():
        meant = [
            frozenset(each.get("values") or ())
            for each in term.get("matchFields") or ()
            if (each.get("key"), each.get("operator")) == ("metadata.name", "In")
        ]
        if not meant:
            return None
        found |= frozenset.intersection(*meant)
    return frozenset(found) if required.get("nodeSelectorTerms") else None


def preference(preferred: Iterable[Mapping[str, Any]], node: Object) -> int:
    """The sum of the weights of the preferred terms that the node matches."""
    return sum(
        int(each.get("weight", 0))
        for each in preferred
        if node_affinity.term_matches(each.get("preference") or {}, node)
    )


def taints(node: Object) -> list[Mapping[str, Any]]:
    """The node's taints, and those that its Ready condition stands for."""
    found: list[Mapping[str, Any]] = list((node.get("spec") or {}).get("taints") or ())
    ready = ready_status(node)
    if ready != "True":
        found.append(_UNREACHABLE if ready == "Unknown" else _NOT_READY)
    return found


def ready_status(node: Object) -> str:
    """Status of the Ready condition: True, False or Unknown; False when there is none."""
    for condition in (node.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Ready":
            return str(condition.get("status"))
    return "False"


def let_in(spec: Mapping[str, Any], node: Object) -> bool:
    """Every taint that keeps Pods away is tolerated."""
    tolerations = spec.get("tolerations") or ()
    return all(tolerated(taint, tolerations) for taint in taints(node) if taint.get("effect") in _REPELLING)


def unwelcome(spec: Mapping[str, Any], node: Object) -> int:
    """How many `PreferNoSchedule` taints are not tolerated."""
    tolerations = spec.get("tolerations") or ()
    soft = (taint for taint in taints(node) if taint.get("effect") == "PreferNoSchedule")
    return sum(not tolerated(taint, tolerations) for taint in soft)


def tolerated(taint: Mapping[str, Any], tolerations: Iterable[Mapping[str, Any]]) -> bool:
    return any(_tolerates(toleration, taint) for toleration in tolerations)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if (toleration.get("operator") or "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")
