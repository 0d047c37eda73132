"""Whether a node is one that a Pod wants, and one that lets it in.

Source: Kubernetes documentation, "Assigning Pods to Nodes", "Taints and Tolerations".
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from strongroom.machinery.gvk import Object

UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
_UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}
_REPELLING = ("NoSchedule", "NoExecute")


def wanted(spec: Mapping[str, Any], node: Object) -> bool:
    """nodeSelector and required node affinity, both."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_term(term, node) for term in required.get("nodeSelectorTerms") or ())


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
    return sum(int(each.get("weight", 0)) for each in preferred if _term(each.get("preference") or {}, node))


def _term(term: Mapping[str, Any], node: Object) -> bool:
    """All requirements of a term; an empty term matches nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    labels = node["metadata"].get("labels") or {}
    names = {"metadata.name": node["metadata"]["name"]}
    return all(_requirement(r, labels) for r in expressions) and all(_requirement(r, names) for r in fields)


def _requirement(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement["key"])
    values: Sequence[str] = requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return _compares(operator, value, values)
    return False


def _compares(operator: str, value: str | None, values: Sequence[str]) -> bool:
    try:
        number, bound = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return number > bound if operator == "Gt" else number < bound


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
