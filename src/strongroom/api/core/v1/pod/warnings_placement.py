"""Warnings about where a Pod asks to run: labels of nodes with new names, selectors that match nothing."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from strongroom.machinery import names
from strongroom.machinery.gvk import Object

_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
_NULL_SELECTOR: Final = "a null labelSelector results in matching no pod"
DEPRECATED_LABELS: Final[Mapping[str, str]] = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" '
    "instead",
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" '
    "instead",
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" '
    "instead",
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations "
    "instead",
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}


def labels(spec: Object, at: str) -> Iterator[str]:
    """About labels of nodes that the spec names; and topologies without a selector."""
    for key in spec.get("nodeSelector") or {}:
        if key in DEPRECATED_LABELS:
            yield f"{at}spec.nodeSelector[{key}]: {DEPRECATED_LABELS[key]}"
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()
    for index, term in enumerate(terms):
        where = f"{at}spec.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms[{index}]"
        yield from _term(term, where, with_values=False)
    for index, term in enumerate(affinity.get(_PREFERRED) or ()):
        where = f"{at}spec.affinity.nodeAffinity.{_PREFERRED}[{index}].preference"
        yield from _term(term.get("preference") or {}, where, with_values=True)
    for index, spread in enumerate(spec.get("topologySpreadConstraints") or ()):
        where, key = f"{at}spec.topologySpreadConstraints[{index}]", spread.get("topologyKey", "")
        if key in DEPRECATED_LABELS:
            yield f"{where}.topologyKey: {key} is {DEPRECATED_LABELS[key]}"
        if spread.get("labelSelector") is None:
            yield f"{where}.labelSelector: {_NULL_SELECTOR}"


def _term(term: Object, path: str, *, with_values: bool) -> Iterator[str]:
    for index, expression in enumerate(term.get("matchExpressions") or ()):
        key, where = expression.get("key", ""), f"{path}.matchExpressions[{index}]"
        if key in DEPRECATED_LABELS:
            yield f"{where}.key: {key} is {DEPRECATED_LABELS[key]}"
        for number, value in enumerate(expression.get("values") or () if with_values else ()):
            for message in names.label_value(value):
                yield f"{where}.values[{number}]: {value} is invalid, {message}"


def selectors(spec: Object, at: str) -> Iterator[str]:
    """About terms of (anti-)affinity that match no Pod."""
    for kind in ("podAffinity", "podAntiAffinity"):
        found: Any = (spec.get("affinity") or {}).get(kind) or {}
        for index, term in enumerate(found.get(_REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{at}spec.affinity.{kind}.{_REQUIRED}[{index}].labelSelector: {_NULL_SELECTOR}"
        for index, weighted in enumerate(found.get(_PREFERRED) or ()):
            if (weighted.get("podAffinityTerm") or {}).get("labelSelector") is None:
                where = f"{at}spec.affinity.{kind}.{_PREFERRED}[{index}].podAffinityTerm.labelSelector"
                yield f"{where}: {_NULL_SELECTOR}"
