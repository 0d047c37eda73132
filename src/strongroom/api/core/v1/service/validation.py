"""The rules of a Service (`ValidateService`)."""

from collections.abc import Sequence
from typing import Any

from strongroom.api.core.v1 import ports
from strongroom.api.core.v1.service import defaults, kinds, warnings
from strongroom.machinery import addresses, meta, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

AFFINITY_SECONDS_MAX = 86400
_POLICIES = (kinds.CLUSTER, kinds.LOCAL)
_AFFINITIES = (defaults.AFFINITY_CLIENT_IP, defaults.AFFINITY_NONE)
FAMILIES = {kinds.IPV4: 4, kinds.IPV6: 6}
ADDRESSES_MAX = 2
DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_FAMILY_POLICIES = ("PreferDualStack", kinds.REQUIRE_DUAL_STACK, kinds.SINGLE_STACK)


def validate_annotations(service: Object) -> list[FieldError]:
    """The broken rules of annotations that say what `spec` does not."""
    held = service["metadata"].get("annotations") or {}
    mode, hints = held.get(warnings.TOPOLOGY_MODE), held.get(warnings.TOPOLOGY_HINTS)
    if mode is None or hints is None or mode == hints:
        return []
    text = f"must match annotations[{warnings.TOPOLOGY_HINTS}] when both are specified"
    return _invalid(f"metadata.annotations[{warnings.TOPOLOGY_MODE}]", mode, [text])


def validate_source_ranges(service: Object, old: Object | None = None) -> list[FieldError]:
    """The broken rules of the annotation that says what `spec.loadBalancerSourceRanges` says now."""
    spec, ranges = service["spec"], _source_ranges_of(service)
    if ranges is None or spec.get("loadBalancerSourceRanges"):
        return []
    path, errors = f"metadata.annotations[{SOURCE_RANGES}]", []
    if spec["type"] != kinds.LOAD_BALANCER:
        errors.append(validation.forbidden(path, "may only be used when `type` is 'LoadBalancer'"))
    if ranges.strip() and (old is None or _source_ranges_of(old) != ranges):
        for text in ranges.strip().split(","):
            errors += _invalid(path, text.strip(), addresses.cidr(text.strip()))
    return errors


def _source_ranges_of(service: Object) -> str | None:
    found: str | None = (service["metadata"].get("annotations") or {}).get(SOURCE_RANGES)
    return found


def validate(spec: Object, old: Object | None = None) -> list[FieldError]:
    """All broken rules of a Service's spec with its defaults. Addresses that are in `old` may stay."""
    kept = old or {}
    errors = _of_type(spec)
    errors += _ports(spec)
    errors += meta.validate_labels(spec.get("selector") or {}, "spec.selector")
    errors += _affinity(spec)
    errors += cluster_ips(spec)
    for index, ip in enumerate(spec.get("externalIPs") or ()):
        known = ip in (kept.get("externalIPs") or ())
        messages = ([] if known else addresses.ip(ip)) or addresses.not_special(ip)
        errors += _invalid(f"spec.externalIPs[{index}]", ip, messages)
    if spec["type"] not in kinds.TYPES:
        errors.append(validation.not_supported("spec.type", spec["type"], kinds.TYPES))
    return errors + _node_ports(spec) + _repeated(kinds.ports(spec)) + _policies(spec)


def validate_update(new: Object, old: Object) -> list[FieldError]:
    """The changes of addresses that are not allowed, without the rules of the new spec by itself."""
    if not kinds.has_cluster_ip(new) or not kinds.has_cluster_ip(old):
        return []
    errors: list[FieldError] = []
    for field, what in (("clusterIPs", "clusterIP"), ("ipFamilies", "ipFamily")):
        if field == "ipFamilies" and (kinds.is_headless(new) or kinds.is_headless(old)):
            continue
        values, before = new.get(field) or [], old.get(field) or []
        if before and not values:
            errors += _invalid(f"spec.{field}[0]", None, [f"primary {what} can not be unset"])
        elif before and values[0] != before[0]:
            # Upstream shows all of them.
            errors += _invalid(f"spec.{field}[0]", values, ["may not change once set"])
    chosen = new.get("loadBalancerClass")
    if {new["type"], old.get("type")} == {kinds.LOAD_BALANCER} and chosen != old.get("loadBalancerClass"):
        errors += _invalid("spec.loadBalancerClass", chosen, ["may not change once set"])
    return errors


def _invalid(field: str, value: Any, messages: Sequence[str]) -> list[FieldError]:
    return [validation.invalid_value(field, value, message) for message in messages]


def _of_type(spec: Object) -> list[FieldError]:
    kind, errors = spec["type"], []
    if not kinds.ports(spec) and not kinds.is_headless(spec) and kind != kinds.EXTERNAL_NAME:
        errors.append(validation.required("spec.ports"))
    if kind in (kinds.LOAD_BALANCER, kinds.NODE_PORT) and kinds.is_headless(spec):
        text = f"may not be set to 'None' for {kind} services"
        errors += _invalid("spec.clusterIPs[0]", kinds.HEADLESS, [text])
    if kind == kinds.EXTERNAL_NAME:
        errors += [
            validation.forbidden(f"spec.{field}", "may not be set for ExternalName services")
            for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
            if spec.get(field)
        ]
        name = spec.get("externalName", "").removesuffix(".")
        if not name:
            errors.append(validation.required("spec.externalName"))
        else:
            errors += _invalid("spec.externalName", name, names.dns1123_subdomain(name))
    return errors


def _ports(spec: Object) -> list[FieldError]:
    listed, errors = kinds.ports(spec), []
    seen: set[str] = set()
    for index, port in enumerate(listed):
        path = f"spec.ports[{index}]"
        errors += ports.validate_name(port, path, required=len(listed) > 1)
        if name := port.get("name"):
            if name in seen:
                errors.append(validation.duplicate(f"{path}.name", name))
            seen.add(name)
        errors += ports.validate_number(port, path)
        errors += ports.validate_protocols(port, path)
        errors += _target(port.get("targetPort", 0), f"{path}.targetPort")
    return errors


def _node_ports(spec: Object) -> list[FieldError]:
    if spec["type"] != kinds.CLUSTER_IP:
        return []
    text = "may not be used when `type` is 'ClusterIP'"
    return [
        validation.forbidden(f"spec.ports[{index}].nodePort", text)
        for index, port in enumerate(kinds.ports(spec))
        if port.get("nodePort")
    ]


def _target(port: int | str, path: str) -> list[FieldError]:
    return _invalid(path, port, names.port_number(port) if isinstance(port, int) else names.port_name(port))


def _repeated(listed: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    on_nodes: set[tuple[Any, Any]] = set()
    for index, port in enumerate(listed):
        if node_port := port.get("nodePort"):
            if (port.get("protocol"), node_port) in on_nodes:
                errors.append(validation.duplicate(f"spec.ports[{index}].nodePort", node_port))
            on_nodes.add((port.get("protocol"), node_port))
    seen: set[tuple[Any, Any]] = set()
    for index, port in enumerate(listed):
        key = (port.get("protocol"), port.get("port"))
        if key in seen:
            errors.append(validation.duplicate(f"spec.ports[{index}]", _internal(port)))
        seen.add(key)
    return errors


def _internal(port: Object) -> Object:
    """What tells a port apart, in the field names of Go's internal type."""
    return {
        "Name": "",
        "Protocol": port.get("protocol"),
        "AppProtocol": None,
        "Port": port.get("port"),
        "TargetPort": 0,
        "NodePort": 0,
    }


def _affinity(spec: Object) -> list[FieldError]:
    affinity, config = spec["sessionAffinity"], spec.get("sessionAffinityConfig")
    if affinity not in _AFFINITIES:
        return [validation.not_supported("spec.sessionAffinity", affinity, _AFFINITIES)]
    if affinity == defaults.AFFINITY_NONE or config is None:
        return []
    seconds = (config.get("clientIP") or {}).get("timeoutSeconds") or 0
    if 0 < seconds <= AFFINITY_SECONDS_MAX:
        return []
    text = f"must be greater than 0 and less than {AFFINITY_SECONDS_MAX}"
    return _invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, [text])


def cluster_ips(spec: Object) -> list[FieldError]:
    """The rules of `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy`."""
    if not kinds.has_cluster_ip(spec):
        return []
    errors: list[FieldError] = []
    path, ip, ips = "spec.clusterIPs", spec.get("clusterIP", ""), spec.get("clusterIPs") or []
    if ip and not ips:
        errors.append(validation.required(path))
    elif ip and ips[0] != ip:
        errors += _invalid(path, ips, ["first value must match `clusterIP`"])
    elif ips and not ip:
        errors += _invalid(path, ips, ["must be empty when `clusterIP` is not specified"])
    errors += _families(spec)
    found: list[FieldError] = []
    for index, each in enumerate(ips):
        if index == 0 and each == kinds.HEADLESS:
            if len(ips) > 1:
                found += _invalid(path, ips, ["'None' must be the first and only value"])
        else:
            found += _invalid(f"{path}[{index}]", each, addresses.ip(each))
    errors += found
    if len(ips) > ADDRESSES_MAX:
        errors += _invalid(path, ips, [f"may only hold up to {ADDRESSES_MAX} values"])
    if found or kinds.is_headless(spec):
        return errors
    if len(ips) > 1 and len({addresses.version(each) for each in ips}) != len(FAMILIES):
        errors += _invalid(path, ips, ["may specify no more than one IP for each IP family"])
    for index, (each, family) in enumerate(zip(ips, spec.get("ipFamilies") or (), strict=False)):
        if family in FAMILIES and addresses.version(each) != FAMILIES[family]:
            text = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            errors += _invalid(f"{path}[{index}]", each, [text])
    return errors


def _families(spec: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    listed, policy = spec.get("ipFamilies") or (), spec.get("ipFamilyPolicy")
    seen: set[str] = set()
    for index, family in enumerate(listed):
        if family not in FAMILIES:
            errors.append(validation.not_supported(f"spec.ipFamilies[{index}]", family, tuple(FAMILIES)))
        if family in seen:
            errors.append(validation.duplicate(f"spec.ipFamilies[{index}]", family))
        seen.add(family)
    if policy is not None and policy not in _FAMILY_POLICIES:
        errors.append(validation.not_supported("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES))
    return errors


def _policies(spec: Object) -> list[FieldError]:
    errors = _source_ranges(spec)
    balanced, text = spec["type"] == kinds.LOAD_BALANCER, "may only be used when `type` is 'LoadBalancer'"
    if spec.get("allocateLoadBalancerNodePorts") is not None and not balanced:
        errors.append(validation.forbidden("spec.allocateLoadBalancerNodePorts", text))
    if (chosen := spec.get("loadBalancerClass")) is not None:
        if balanced:
            errors += _invalid("spec.loadBalancerClass", chosen, names.qualified_name(chosen))
        else:
            errors.append(validation.forbidden("spec.loadBalancerClass", text))
    external = spec.get("externalTrafficPolicy", "")
    if external and not kinds.is_external(spec):
        text = "may only be set for externally-accessible services"
        errors += _invalid("spec.externalTrafficPolicy", external, [text])
    elif external and external not in _POLICIES:
        errors.append(validation.not_supported("spec.externalTrafficPolicy", external, _POLICIES))
    port = spec.get("healthCheckNodePort", 0)
    if port and not (balanced and external == kinds.LOCAL):
        text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors += _invalid("spec.healthCheckNodePort", port, [text])
    elif port:
        errors += _invalid("spec.healthCheckNodePort", port, names.port_number(port))
    internal = spec.get("internalTrafficPolicy")
    if internal is not None and internal not in _POLICIES:
        errors.append(validation.not_supported("spec.internalTrafficPolicy", internal, _POLICIES))
    spread = spec.get("trafficDistribution")
    if spread is not None and spread not in DISTRIBUTIONS:
        errors.append(validation.not_supported("spec.trafficDistribution", spread, DISTRIBUTIONS))
    return errors


def _source_ranges(spec: Object) -> list[FieldError]:
    # Upstream's path is not the field's.
    path, ranges = "spec.LoadBalancerSourceRanges", spec.get("loadBalancerSourceRanges") or ()
    errors: list[FieldError] = []
    if ranges and spec["type"] != kinds.LOAD_BALANCER:
        errors.append(validation.forbidden(path, "may only be used when `type` is 'LoadBalancer'"))
    for index, text in enumerate(ranges):
        errors += _invalid(f"{path}[{index}]", text.strip(), addresses.cidr(text.strip()))
    return errors
