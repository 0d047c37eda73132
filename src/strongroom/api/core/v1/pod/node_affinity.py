"""Whether a node is one that a Pod wants: scheduler and node agent hold by the same rules.

Source: Kubernetes documentation, "Assigning Pods to Nodes".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from strongroom.machinery.gvk import Object

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def chooses(spec: Mapping[str, Any]) -> bool:
    """Whether there may be a node that a Pod with that spec does not want."""
    return bool(
        spec.get("nodeSelector") or ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(_REQUIRED)
    )


def wanted(spec: Mapping[str, Any], node: Object) -> bool:
    """nodeSelector and required node affinity, both."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get(_REQUIRED)
    if required is None:
        return True
    return any(term_matches(term, node) for term in required.get("nodeSelectorTerms") or ())


def term_matches(term: Mapping[str, Any], node: Object) -> bool:
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
