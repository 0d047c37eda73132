"""Requests and limits of a Pod as a whole (`spec.resources`, KEP-2837): defaults and rules.

Source: `defaultPodRequests`, `defaultHugePagePodLimits` and `validatePodResources` of Kubernetes 1.36.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from strongroom.api.core.v1 import resource_names
from strongroom.api.core.v1.pod import containers, validation_claims, validation_resources
from strongroom.machinery import quantity, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.quantity import Quantity
from strongroom.machinery.validation import FieldError

SUPPORTED: Final = ("cpu", "hugepages-", "memory")
_PATH: Final = "spec.resources"
_Total = dict[str, Quantity]


def is_supported(name: str) -> bool:
    return name in ("cpu", "memory") or resource_names.is_huge_pages(name)


def default(spec: Object) -> None:
    """Fills in what follows from the containers, which have their defaults, in place."""
    whole = spec.get("resources")
    if not whole:
        return
    requests, limits = dict(whole.get("requests") or {}), dict(whole.get("limits") or {})
    if requests or limits:
        for name, amount in aggregate(spec, "limits").items():
            if resource_names.is_huge_pages(name) and name not in requests:
                limits.setdefault(name, str(amount))
    if limits:
        whole["limits"] = dict(sorted(limits.items()))
        for name, amount in aggregate(spec, "requests").items():
            if is_supported(name) and resource_names.can_overcommit(name):
                requests.setdefault(name, str(amount))
        for name, limit in limits.items():
            if is_supported(name):
                requests.setdefault(name, limit)
    if requests:
        whole["requests"] = dict(sorted(requests.items()))


def validate(spec: Object) -> list[FieldError]:
    """All broken rules of the whole, and of it beside its containers."""
    whole = spec.get("resources")
    if whole is None:
        return []
    if (spec.get("os") or {}).get("name") == "windows":
        return [validation.forbidden(_PATH, "may not be set for a windows pod")]
    errors: list[FieldError] = []
    if whole.get("claims") is not None:
        text = "claims may not be set for Resources at pod-level"
        errors.append(validation.forbidden(f"{_PATH}.claims", text))
    errors += validation_resources.validate(whole, _PATH, validate_name)
    errors += validation_claims.validate_names(whole, spec, _PATH)
    requests, limits = whole.get("requests") or {}, whole.get("limits") or {}
    for name, total in aggregate(spec, "requests").items():
        if name in requests and total > quantity.of(requests[name]):
            text = f"must be greater than or equal to aggregate container requests of {total}"
            errors.append(validation.invalid_value(f"{_PATH}.requests[{name}]", requests[name], text))
    for name, total in aggregate(spec, "limits").items():
        if resource_names.is_huge_pages(name) and name in limits and total > quantity.of(limits[name]):
            text = f"must be greater than or equal to aggregate container limits of {total}"
            errors.append(validation.invalid_value(f"{_PATH}.limits[{name}]", limits[name], text))
    for index, container in enumerate(containers.of(spec, "containers")):
        for name, limit in ((container.get("resources") or {}).get("limits") or {}).items():
            if name in limits and quantity.of(limit) > quantity.of(limits[name]):
                text = f"must be less than or equal to pod limits of {limits[name]}"
                # Upstream's path.
                at = f"{_PATH}.containers[{index}][{name}].limits"
                errors.append(validation.invalid_value(at, limit, text))
    return errors


def validate_name(name: str, path: str) -> list[FieldError]:
    errors = resource_names.validate(name, path)
    if not errors and not is_supported(name):
        errors.append(validation.not_supported(path, name, SUPPORTED))
    return errors


def aggregate(spec: Mapping[str, Any], field: str) -> _Total:
    """What the containers state together: sidecars add up, init containers run one after the other."""
    total: _Total = {}
    for container in spec.get("containers") or ():
        total = _combined(total, _stated(container, field), Quantity.__add__)
    sidecars: _Total = {}
    most: _Total = {}
    for container in spec.get("initContainers") or ():
        stated = _stated(container, field)
        if containers.is_sidecar(container):
            total = _combined(total, stated, Quantity.__add__)
            sidecars = _combined(sidecars, stated, Quantity.__add__)
            stated = sidecars
        else:
            stated = _combined(stated, sidecars, Quantity.__add__)
        most = _combined(most, stated, max)
    return _combined(total, most, max)


def _stated(container: Mapping[str, Any], field: str) -> _Total:
    amounts = (container.get("resources") or {}).get(field) or {}
    return {name: quantity.of(amount) for name, amount in amounts.items()}


def _combined(a: _Total, b: _Total, of: Callable[[Quantity, Quantity], Quantity]) -> _Total:
    return {name: of(a[name], b[name]) if name in a and name in b else (a | b)[name] for name in {**a, **b}}
