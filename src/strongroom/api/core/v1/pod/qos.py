"""The quality of service class: who is evicted first (Kubernetes' "Pod Quality of Service Classes")."""

from strongroom.api.core.v1.pod import containers
from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_COUNTED = ("cpu", "memory")


def qos_class(pod: Object) -> str:
    """`Guaranteed`: every container limits cpu and memory to what it requests; `BestEffort`: none asks for
    any; else `Burstable`. Amounts of the Pod as a whole win over those of its containers."""
    spec = pod["spec"]
    if (whole := spec.get("resources")) and (whole.get("limits") or whole.get("requests")):
        holders = [whole]
    else:
        holders = [
            container.get("resources") or {}
            for kind in ("containers", "initContainers")
            for container in containers.of(spec, kind)
        ]
    requests = [_amounts(holder, "requests") for holder in holders]
    limits = [_amounts(holder, "limits") for holder in holders]
    if not any(requests) and not any(limits):
        return BEST_EFFORT
    if all(len(limit) == len(_COUNTED) for limit in limits) and _sum(requests) == _sum(limits):
        return GUARANTEED
    return BURSTABLE


def _amounts(holder: Object, field: str) -> dict[str, quantity.Quantity]:
    amounts = holder.get(field) or {}
    found = {name: quantity.of(amounts[name]) for name in _COUNTED if name in amounts}
    return {name: amount for name, amount in found.items() if amount > quantity.ZERO}


def _sum(amounts: list[dict[str, quantity.Quantity]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for held in amounts:
        for name, amount in held.items():
            total[name] = total.get(name, 0) + amount.nanos
    return total
