"""The rules of a Service's status (`ValidateLoadBalancerStatus`)."""

from strongroom.api.core.v1.service import kinds
from strongroom.machinery import addresses, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

MODES = ("Proxy", "VIP")
_PATH = "status.loadBalancer.ingress"


def validate(service: Object) -> list[FieldError]:
    """All broken rules of the status."""
    listed = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    if listed and service["spec"]["type"] != kinds.LOAD_BALANCER:
        return [validation.forbidden(_PATH, "may only be used when `spec.type` is 'LoadBalancer'")]
    errors: list[FieldError] = []
    for index, ingress in enumerate(listed):
        errors += _ingress(ingress, f"{_PATH}[{index}]")
    return errors


def _ingress(ingress: Object, path: str) -> list[FieldError]:
    ip, mode, hostname = ingress.get("ip", ""), ingress.get("ipMode"), ingress.get("hostname", "")
    errors: list[FieldError] = []
    if ip:
        errors += [validation.invalid_value(f"{path}.ip", ip, m) for m in addresses.ip(ip)]
    if mode is None:
        if ip:
            errors.append(validation.required(f"{path}.ipMode", "must be specified when `ip` is set"))
    elif not ip:
        errors.append(validation.forbidden(f"{path}.ipMode", "may not be specified when `ip` is not set"))
    elif mode not in MODES:
        errors.append(validation.not_supported(f"{path}.ipMode", mode, MODES))
    if hostname:
        messages = names.dns1123_subdomain(hostname)
        if addresses.is_any_ip(hostname):
            messages.append("must be a DNS name, not an IP address")
        errors += [validation.invalid_value(f"{path}.hostname", hostname, m) for m in messages]
    return errors
