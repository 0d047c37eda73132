"""What a Pod takes of a node.

Source: Kubernetes documentation, "Resource Management for Pods and Containers", "Init Containers", "Sidecar
Containers" (how requests add up), "Pod Overhead".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object

Amounts = dict[str, int]
"""Resource name to amount, in units of 10^-9."""
Port = tuple[str, str, int]
"""Host address ("0.0.0.0": all), protocol, port."""

ANY_ADDRESS = "0.0.0.0"  # noqa: S104
_POD_LEVEL = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class PodUse:
    """Requests of the whole Pod and the ports of the host that it binds."""

    requests: Amounts
    ports: frozenset[Port] = frozenset()


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """A ResourceList as numbers; what does not parse counts as nothing."""
    numbers: Amounts = {}
    for name, value in (quantities or {}).items():
        try:
            numbers[name] = quantity.of(value).nanos
        except quantity.QuantityError:
            continue
    return numbers


def of(pod: Object) -> PodUse:
    """What the scheduler reserves for `pod`."""
    spec = pod.get("spec") or {}
    return PodUse(_requests(spec), frozenset(_ports(spec)))


def _requests(spec: Mapping[str, Any]) -> Amounts:
    sidecars: Amounts = {}
    most: Amounts = {}
    for container in spec.get("initContainers") or ():
        asked = _asked(container)
        if container.get("restartPolicy") == "Always":
            sidecars = _sum(sidecars, asked)
            most = _maximum(most, sidecars)
        else:
            most = _maximum(most, _sum(sidecars, asked))
    total = sidecars
    for container in spec.get("containers") or ():
        total = _sum(total, _asked(container))
    total = _maximum(total, most)
    whole = _asked(spec)
    total.update({name: whole[name] for name in _POD_LEVEL if name in whole})
    return _sum(total, amounts(spec.get("overhead")))


def _asked(container: Mapping[str, Any]) -> Amounts:
    """Requests; a limit without a request is one."""
    resources = container.get("resources") or {}
    return {**amounts(resources.get("limits")), **amounts(resources.get("requests"))}


def _ports(spec: Mapping[str, Any]) -> Iterable[Port]:
    for container in spec.get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield port.get("hostIP") or ANY_ADDRESS, port.get("protocol") or "TCP", port["hostPort"]


def _sum(a: Amounts, b: Amounts) -> Amounts:
    return {name: a.get(name, 0) + b.get(name, 0) for name in {**a, **b}}


def _maximum(a: Amounts, b: Amounts) -> Amounts:
    return {name: max(a.get(name, 0), b.get(name, 0)) for name in {**a, **b}}
