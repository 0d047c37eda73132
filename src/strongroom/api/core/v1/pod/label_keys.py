"""`matchLabelKeys` and `mismatchLabelKeys` of (anti-)affinity: requirements of its selector (KEP-3633)."""

from collections.abc import Iterator, Mapping

from strongroom.machinery.gvk import Object

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def apply(pod: Object) -> None:
    """Adds to the selectors of a new Pod what its own labels say of those keys, in place."""
    labels = pod["metadata"].get("labels") or {}
    for term in _terms(pod["spec"].get("affinity") or {}):
        selector = term.get("labelSelector")
        if selector is None:
            continue
        added = [
            {"key": key, "operator": operator, "values": [labels[key]]}
            for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))
            for key in term.get(field) or ()
            if key in labels
        ]
        if added:
            expressions = [*(selector.get("matchExpressions") or ()), *added]
            term["labelSelector"] = {**selector, "matchExpressions": expressions}


def _terms(affinity: Mapping[str, Object]) -> Iterator[Object]:
    for kind in ("podAffinity", "podAntiAffinity"):
        found = affinity.get(kind) or {}
        for weighted in found.get(_PREFERRED) or ():
            if (term := weighted.get("podAffinityTerm")) is not None:
                yield term
        yield from found.get(_REQUIRED) or ()
