"""What counts against a ResourceQuota, and how much of it an object takes.

Source: Kubernetes documentation, "Resource Quotas". Amounts are in units of 10^-9.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from strongroom.api import resources
from strongroom.api.core.v1.pod import qos, totals
from strongroom.api.core.v1.pod.totals import Amounts
from strongroom.machinery import duration, quantity
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.quantity import NANO

_COUNT: Final = "count/"
_SERVICE_NAMES: Final = ("services", "services.nodeports", "services.loadbalancers")
_BARE: Final = ("cpu", "memory", "ephemeral-storage")
_OF_CONTAINERS: Final = (
    "cpu",
    "limits.cpu",
    "limits.memory",
    "memory",
    "requests.cpu",
    "requests.memory",
)
"""What every container must state where a quota limits it."""
_PLAIN: Final = frozenset(("configmaps", "secrets", "resourcequotas", "services", "pods"))
"""Kinds whose plural is the name of a quota."""


def names(resource: Resource, hard: Iterable[str]) -> list[str]:
    """Those names of `hard` that objects of the kind count against, sorted."""
    own = _COUNT + resource.group_resource
    return sorted(name for name in hard if name == own or _concerns(resource, name))


def _concerns(resource: Resource, name: str) -> bool:
    if resource.group or name.startswith(_COUNT):
        return False
    if resource == resources.PODS:
        return name == "pods" or name in _BARE or name.startswith(("requests.", "limits."))
    if resource == resources.SERVICES:
        return name in _SERVICE_NAMES
    return name == resource.plural and name in _PLAIN


def is_count(resource: Resource, wanted: Iterable[str]) -> bool:
    """Whether the number of objects tells all of `wanted`, whatever they are like."""
    own = _COUNT + resource.group_resource
    special = resource in (resources.PODS, resources.SERVICES)
    return all(name == own or (not special and name == resource.plural) for name in wanted)


def usage(resource: Resource, obj: Object, now: datetime) -> Amounts:
    """How much of each name the object takes."""
    used = {_COUNT + resource.group_resource: NANO}
    if resource == resources.PODS:
        if not _is_over(obj, now):
            used |= _of_pod(obj["spec"])
    elif resource == resources.SERVICES:
        used |= _of_service(obj["spec"])
    elif not resource.group and resource.plural in _PLAIN:
        used[resource.plural] = NANO
    return used


def _of_pod(spec: Object) -> Amounts:
    requests, limits = totals.requests(spec), totals.limits(spec)
    used = {f"requests.{name}": amount for name, amount in requests.items()}
    used |= {f"limits.{name}": amount for name, amount in limits.items()}
    used |= {name: requests[name] for name in _BARE if name in requests}
    return {**used, "pods": NANO}


def _is_over(pod: Object, now: datetime) -> bool:
    """It takes nothing any more: it ended, or should have been gone long ago."""
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return True
    metadata = pod["metadata"]
    deadline, grace = metadata.get("deletionTimestamp"), metadata.get("deletionGracePeriodSeconds")
    if not deadline or grace is None:
        return False
    return now > duration.parse_timestamp(deadline) + timedelta(seconds=grace)


def _of_service(spec: Object) -> Amounts:
    kind, ports = spec.get("type") or "ClusterIP", spec.get("ports") or ()
    used = {"services": NANO}
    if kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)):
        used["services.nodeports"] = len(ports) * NANO
    if kind == "LoadBalancer":
        used["services.loadbalancers"] = NANO
    return used


def lacking(pod: Object, wanted: Iterable[str]) -> str:
    """What the containers of a Pod must state for a quota on `wanted`, in upstream's words; "": nothing."""
    required = [name for name in _OF_CONTAINERS if name in wanted]
    missing: dict[str, set[str]] = {}
    spec = pod["spec"]
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        stated = container.get("resources") or {}
        for name in required:
            kind, _, plain = name.rpartition(".")
            if plain not in (stated.get(kind or "requests") or {}):
                missing.setdefault(name, set()).add(container["name"])
    if not missing:
        return ""
    return "must specify " + "; ".join(f"{n} for: {','.join(sorted(missing[n]))}" for n in sorted(missing))


def chooses(quota: Object, resource: Resource, obj: Object) -> bool:
    """Whether the object is within the quota's scopes."""
    spec = quota["spec"]
    terms = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or ()]
    terms += (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    if not terms:
        return True
    return resource == resources.PODS and all(_in_scope(term, obj) for term in terms)


def is_scoped(quota: Object) -> bool:
    """Whether some objects of a kind may count and others not."""
    spec = quota["spec"]
    return bool(spec.get("scopes") or (spec.get("scopeSelector") or {}).get("matchExpressions"))


def _in_scope(term: Mapping[str, Any], pod: Object) -> bool:
    spec = pod["spec"]
    match term["scopeName"]:
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            return qos.qos_class(pod) == qos.BEST_EFFORT
        case "NotBestEffort":
            return qos.qos_class(pod) != qos.BEST_EFFORT
        case "PriorityClass":
            return _priority(term, spec.get("priorityClassName") or "")
        case "CrossNamespacePodAffinity":
            return _crosses(spec.get("affinity") or {})
    return False


def _priority(term: Mapping[str, Any], name: str) -> bool:
    values = term.get("values") or ()
    match term.get("operator"):
        case "In":
            return name in values
        case "NotIn":
            return name not in values
        case "Exists":
            return bool(name)
        case "DoesNotExist":
            return not name
    return False


def _crosses(affinity: Mapping[str, Any]) -> bool:
    """Whether a term of Pod affinity looks into other namespaces."""
    for kind in ("podAffinity", "podAntiAffinity"):
        held = affinity.get(kind) or {}
        terms = list(held.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        weighted = held.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [each.get("podAffinityTerm") or {} for each in weighted]
        if any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms):
            return True
    return False


def shown(name: str, nanos: int) -> str:
    """An amount as it is written."""
    binary = name.rpartition(".")[2] in ("memory", "ephemeral-storage", "storage")
    return str(quantity.Quantity(nanos, quantity.BINARY_SI if binary else quantity.DECIMAL_SI))
