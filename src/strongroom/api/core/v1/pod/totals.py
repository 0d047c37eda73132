"""What the containers of a Pod request and are limited to, together.

Source: Kubernetes documentation, "Resource Management for Pods and Containers", "Init Containers", "Sidecar
Containers" (how requests add up), "Pod Overhead".
"""

from collections.abc import Callable, Mapping
from typing import Any

from strongroom.machinery import quantity

Amounts = dict[str, int]
"""Resource name to amount, in units of 10^-9."""

_POD_LEVEL = ("cpu", "memory")


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """A ResourceList as numbers; what does not parse counts as nothing."""
    numbers: Amounts = {}
    for name, value in (quantities or {}).items():
        try:
            numbers[name] = quantity.of(value).nanos
        except quantity.QuantityError:
            continue
    return numbers


def requests(spec: Mapping[str, Any]) -> Amounts:
    """What is to be reserved for a Pod with that spec; a limit without a request is one."""
    return _sum(_total(spec, _asked), amounts(spec.get("overhead")))


def limits(spec: Mapping[str, Any]) -> Amounts:
    """What a Pod with that spec can use at most, as far as it says."""
    total = _total(spec, _limited)
    overhead = amounts(spec.get("overhead"))
    return {name: amount + overhead.get(name, 0) for name, amount in total.items()}


def _total(spec: Mapping[str, Any], of: Callable[[Mapping[str, Any]], Amounts]) -> Amounts:
    sidecars: Amounts = {}
    most: Amounts = {}
    for container in spec.get("initContainers") or ():
        asked = of(container)
        if container.get("restartPolicy") == "Always":
            sidecars = _sum(sidecars, asked)
            most = _maximum(most, sidecars)
        else:
            most = _maximum(most, _sum(sidecars, asked))
    total = sidecars
    for container in spec.get("containers") or ():
        total = _sum(total, of(container))
    total = _maximum(total, most)
    whole = of(spec)
    total.update({name: whole[name] for name in _POD_LEVEL if name in whole})
    return total


def _asked(container: Mapping[str, Any]) -> Amounts:
    resources = container.get("resources") or {}
    return {**amounts(resources.get("limits")), **amounts(resources.get("requests"))}


def _limited(container: Mapping[str, Any]) -> Amounts:
    return amounts((container.get("resources") or {}).get("limits"))


def _sum(a: Amounts, b: Amounts) -> Amounts:
    return {name: a.get(name, 0) + b.get(name, 0) for name in {**a, **b}}


def _maximum(a: Amounts, b: Amounts) -> Amounts:
    return {name: max(a.get(name, 0), b.get(name, 0)) for name in {**a, **b}}
