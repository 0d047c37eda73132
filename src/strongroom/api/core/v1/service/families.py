"""The families of a Service's addresses: those of the addresses asked for, or the cluster's, IPv4.

Upstream settles them before it checks anything else (`initIPFamilyFields`), so that what is wrong with them
is told alone.
"""

from strongroom.api.core.v1.service import kinds
from strongroom.api.core.v1.service.validation import cluster_ips
from strongroom.machinery import addresses, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_POLICY = "spec.ipFamilyPolicy"
_SEVERAL = "must be 'RequireDualStack' or 'PreferDualStack' when multiple {} are specified"


def settle(spec: Object, old: Object | None) -> list[FieldError]:
    """Puts `ipFamilies` and `ipFamilyPolicy` into the spec, unless errors are given back."""
    if not kinds.has_cluster_ip(spec):
        return []
    without_pods = kinds.is_headless(spec) and not spec.get("selector")
    policy = spec.get("ipFamilyPolicy") or (old or {}).get("ipFamilyPolicy")
    # Whoever fills in the endpoints may use any family.
    policy = policy or (kinds.REQUIRE_DUAL_STACK if without_pods else kinds.SINGLE_STACK)
    if errors := cluster_ips(spec):
        return errors
    families = list(spec.get("ipFamilies") or ())
    errors = _single(spec, policy) + _of_addresses(spec, families)
    if not errors and not without_pods:
        errors = _of_cluster(policy, families)
    if errors:
        return errors
    families = families or [kinds.IPV4]
    if without_pods and policy != kinds.SINGLE_STACK and len(families) == 1:
        families.append(kinds.IPV6 if families[0] == kinds.IPV4 else kinds.IPV4)
    spec["ipFamilies"], spec["ipFamilyPolicy"] = families, policy
    return []


def _single(spec: Object, policy: str) -> list[FieldError]:
    if policy != kinds.SINGLE_STACK:
        return []
    return [
        validation.invalid_value(_POLICY, policy, _SEVERAL.format(what))
        for field, what in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families"))
        if len(spec.get(field) or ()) == 2
    ]


def _of_addresses(spec: Object, families: list[str]) -> list[FieldError]:
    """Adds to `families` those of further addresses."""
    errors: list[FieldError] = []
    listed = spec.get("clusterIPs") or []
    for index, ip in enumerate(listed):
        if ip == kinds.HEADLESS:
            break
        if index < len(families):
            continue
        if addresses.version(ip) == 4:
            families.append(kinds.IPV4)
        else:
            text = f"{kinds.IPV6} is not configured on this cluster"
            errors.append(validation.invalid_value(f"spec.clusterIPs[{index}]", listed, text))
    return errors


def _of_cluster(policy: str, families: list[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    if policy == kinds.REQUIRE_DUAL_STACK:
        text = "this cluster is not configured for dual-stack services"
        errors.append(validation.invalid_value(_POLICY, policy, text))
    return errors + [
        validation.invalid_value(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
        for index, family in enumerate(families)
        if family != kinds.IPV4
    ]
