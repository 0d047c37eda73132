"""The rules of a Pod's spec (`ValidatePodSpec`); its parts have files of their own."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from strongroom.api.core.v1.pod import (
    containers,
    validation_container,
    validation_scheduling,
    validation_security,
    validation_volume,
)
from strongroom.machinery import meta, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

RESTART_POLICIES = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")
INT32_MAX = 2**31 - 1
NAMESERVERS_MAX = 3


def validate(pod: Object) -> list[FieldError]:
    """All broken rules of a Pod with its defaults, without those of ObjectMeta."""
    spec = pod["spec"]
    volumes, errors = validation_volume.validate_volumes(containers.volumes(spec), "spec.volumes")
    errors += validation_container.validate_all(spec, volumes)
    errors += _choice(spec, "restartPolicy", RESTART_POLICIES)
    errors += _choice(spec, "dnsPolicy", DNS_POLICIES)
    errors += meta.validate_labels(spec.get("nodeSelector") or {}, "spec.nodeSelector")
    errors += validation_security.validate_pod(spec)
    errors += _validate_dns(spec)
    errors += validation_scheduling.validate(spec)
    errors += _validate_names(spec)
    errors += _validate_deadline(spec.get("activeDeadlineSeconds"))
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        path = f"spec.hostAliases[{index}]"
        errors += valid_ip(f"{path}.ip", alias.get("ip", ""))
        for at, hostname in enumerate(alias.get("hostnames") or ()):
            errors += _invalid(f"{path}.hostnames[{at}]", hostname, names.dns1123_subdomain(hostname))
    if "preemptionPolicy" in spec:
        errors += _choice(spec, "preemptionPolicy", PREEMPTION_POLICIES)
    return errors


def validate_create(pod: Object) -> list[FieldError]:
    """All broken rules of a new Pod (`ValidatePodCreate`)."""
    errors = validate(pod)
    spec = pod["spec"]
    if containers.of(spec, "ephemeralContainers"):
        errors.append(validation.forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        text = "cannot be set until all schedulingGates have been cleared"
        errors.append(validation.forbidden("spec.nodeName", text))
    return errors


def _invalid(field: str, value: Any, messages: Sequence[str]) -> list[FieldError]:
    return [validation.invalid_value(field, value, message) for message in messages]


def _choice(spec: Object, field: str, supported: Sequence[str]) -> list[FieldError]:
    value = spec.get(field, "")
    if not value:
        return [validation.required(f"spec.{field}")]
    return [] if value in supported else [validation.not_supported(f"spec.{field}", value, supported)]


def valid_ip(field: str, text: str) -> list[FieldError]:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        return [validation.invalid_value(field, text, detail)]
    return []


def _validate_names(spec: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    for field, rule in (
        ("serviceAccountName", names.dns1123_subdomain),
        ("nodeName", names.dns1123_subdomain),
        ("hostname", names.dns1123_label),
        ("subdomain", names.dns1123_label),
        ("priorityClassName", names.dns1123_subdomain),
        ("runtimeClassName", names.dns1123_subdomain),
    ):
        if value := spec.get(field):
            errors += _invalid(f"spec.{field}", value, rule(value))
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        kind = gate.get("conditionType", "")
        errors += _invalid(f"spec.readinessGates[{index}].conditionType", kind, names.qualified_name(kind))
    return errors


def _validate_deadline(seconds: int | None) -> list[FieldError]:
    if seconds is None or 1 <= seconds <= INT32_MAX:
        return []
    return _invalid("spec.activeDeadlineSeconds", seconds, [names.in_range(1, INT32_MAX)])


def _validate_dns(spec: Object) -> list[FieldError]:
    config = spec.get("dnsConfig")
    nameservers = (config or {}).get("nameservers") or ()
    if spec.get("dnsPolicy") == "None":
        if config is None:
            return [
                validation.required("spec.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None")
            ]
        if not nameservers:
            detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            return [validation.required("spec.dnsConfig.nameservers", detail)]
    errors: list[FieldError] = []
    if len(nameservers) > NAMESERVERS_MAX:
        detail = f"must not have more than {NAMESERVERS_MAX} nameservers"
        errors.append(validation.invalid_value("spec.dnsConfig.nameservers", list(nameservers), detail))
    for index, server in enumerate(nameservers):
        errors += valid_ip(f"spec.dnsConfig.nameservers[{index}]", server)
    for index, option in enumerate((config or {}).get("options") or ()):
        if not option.get("name"):
            errors.append(validation.required(f"spec.dnsConfig.options[{index}]", "must not be empty"))
    return errors
