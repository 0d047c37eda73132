"""The rules of a Service (`ValidateService`)."""

from collections.abc import Sequence
from typing import Any

from strongroom.api.core.v1 import ports
from strongroom.api.core.v1.service import defaults, kinds
from strongroom.machinery import addresses, meta, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

KUBELET_PORT = 10250
AFFINITY_SECONDS_MAX = 86400
_POLICIES = (kinds.CLUSTER, kinds.LOCAL)
_AFFINITIES = (defaults.AFFINITY_CLIENT_IP, defaults.AFFINITY_NONE)
_FAMILIES = (kinds.IPV4, kinds.IPV6)
_FAMILY_POLICIES = ("PreferDualStack", kinds.REQUIRE_DUAL_STACK, kinds.SINGLE_STACK)


def validate(spec: Object) -> list[FieldError]:
    """All broken rules of a Service's spec with its defaults."""
    errors = _of_type(spec)
    errors += _ports(spec)
    errors += meta.validate_labels(spec.get("selector") or {}, "spec.selector")
    errors += _affinity(spec)
    errors += _cluster_ips(spec)
    for index, ip in enumerate(spec.get("externalIPs") or ()):
        messages = addresses.ip(ip) or addresses.not_special(ip)
        errors += _invalid(f"spec.externalIPs[{index}]", ip, messages)
    if spec["type"] not in kinds.TYPES:
        errors.append(validation.not_supported("spec.type", spec["type"], kinds.TYPES))
    return errors + _policies(spec)


def validate_update(new: Object, old: Object) -> list[FieldError]:
    """The changes of addresses that are not allowed, without the rules of the new spec by itself."""
    if not kinds.has_cluster_ip(new) or not kinds.has_cluster_ip(old):
        return []
    errors: list[FieldError] = []
    for field, what in (("clusterIPs", "clusterIP"), ("ipFamilies", "ipFamily")):
        values, before = new.get(field) or [], old.get(field) or []
        if before and not values:
            errors += _invalid(f"spec.{field}[0]", None, [f"primary {what} can not be unset"])
        elif before and values[0] != before[0]:
            # Upstream shows all of them.
            errors += _invalid(f"spec.{field}[0]", values, ["may not change once set"])
    return errors


def _invalid(field: str, value: Any, messages: Sequence[str]) -> list[FieldError]:
    return [validation.invalid_value(field, value, message) for message in messages]


def _of_type(spec: Object) -> list[FieldError]:
    kind, errors = spec["type"], []
    if not kinds.ports(spec) and not kinds.is_headless(spec) and kind != kinds.EXTERNAL_NAME:
        errors.append(validation.required("spec.ports"))
    if kind == kinds.LOAD_BALANCER:
        for index, port in enumerate(kinds.ports(spec)):
            if port.get("port") == KUBELET_PORT:
                text = f"may not expose port {KUBELET_PORT} externally since it is used by kubelet"
                errors += _invalid(f"spec.ports[{index}]", KUBELET_PORT, [text])
    if kind in (kinds.LOAD_BALANCER, kinds.NODE_PORT) and kinds.is_headless(spec):
        text = f"may not be set to 'None' for {kind} services"
        errors += _invalid("spec.clusterIPs[0]", kinds.HEADLESS, [text])
    if kind == kinds.EXTERNAL_NAME:
        if spec.get("clusterIPs"):
            text = "may not be set when `type` is 'ExternalName'"
            errors.append(validation.forbidden("spec.clusterIPs", text))
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
        if port.get("nodePort") and spec["type"] in (kinds.CLUSTER_IP, kinds.EXTERNAL_NAME):
            text = f"may not be used when `type` is '{spec['type']}'"
            errors.append(validation.forbidden(f"{path}.nodePort", text))
    return errors + _repeated(listed)


def _target(port: int | str, path: str) -> list[FieldError]:
    return _invalid(path, port, names.port_number(port) if isinstance(port, int) else names.port_name(port))


def _repeated(listed: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[tuple[Any, Any]] = set()
    on_nodes: set[tuple[Any, Any]] = set()
    for index, port in enumerate(listed):
        key, node_port = (port.get("protocol"), port.get("port")), port.get("nodePort", 0)
        if key in seen:
            errors.append(validation.duplicate(f"spec.ports[{index}]", _internal(port)))
        seen.add(key)
        if node_port:
            if (port.get("protocol"), node_port) in on_nodes:
                errors.append(
                    validation.duplicate(f"spec.ports[{index}].nodePort", _internal(port, node_port))
                )
            on_nodes.add((port.get("protocol"), node_port))
    return errors


def _internal(port: Object, node_port: int = 0) -> Object:
    """What tells a port apart, in the field names of Go's internal type."""
    return {
        "Name": "",
        "Protocol": port.get("protocol"),
        "AppProtocol": None,
        "Port": 0 if node_port else port.get("port"),
        "TargetPort": 0,
        "NodePort": node_port,
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


def _cluster_ips(spec: Object) -> list[FieldError]:
    if not kinds.has_cluster_ip(spec):
        return []
    errors: list[FieldError] = []
    ip, ips = spec.get("clusterIP", ""), spec.get("clusterIPs") or []
    if ip and (not ips or ips[0] != ip):
        errors += _invalid("spec.clusterIPs", ips or None, ["first value must match `clusterIP`"])
    elif ips and not ip:
        text = "must be empty when `clusterIP` is not specified"
        errors += _invalid("spec.clusterIPs", ips, [text])
    for index, each in enumerate(ips):
        path = f"spec.clusterIPs[{index}]"
        if each == kinds.HEADLESS:
            if len(ips) > 1:
                errors += _invalid(path, each, ["'None' must be the first and only value"])
        else:
            errors += _invalid(path, each, addresses.ip(each))
    if len(ips) > 1:
        text = "may only hold up to 1 value on a cluster with one IP family"
        errors += _invalid("spec.clusterIPs", ips, [text])
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in _FAMILIES:
            errors.append(validation.not_supported(f"spec.ipFamilies[{index}]", family, _FAMILIES))
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in _FAMILY_POLICIES:
        errors.append(validation.not_supported("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES))
    return errors


def _policies(spec: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    if spec["type"] != kinds.LOAD_BALANCER:
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass", "loadBalancerSourceRanges"):
            if spec.get(field):
                text = "may only be used when `type` is 'LoadBalancer'"
                errors.append(validation.forbidden(f"spec.{field}", text))
    external = spec.get("externalTrafficPolicy", "")
    if external and not kinds.is_external(spec):
        text = "may only be set for externally-accessible services"
        errors += _invalid("spec.externalTrafficPolicy", external, [text])
    elif external and external not in _POLICIES:
        errors.append(validation.not_supported("spec.externalTrafficPolicy", external, _POLICIES))
    internal = spec.get("internalTrafficPolicy")
    if internal is not None and internal not in _POLICIES:
        errors.append(validation.not_supported("spec.internalTrafficPolicy", internal, _POLICIES))
    return errors
