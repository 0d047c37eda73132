"""The rules of a Pod's spec (`ValidatePodSpec`); its parts have files of their own."""

from collections.abc import Sequence
from typing import Any

from strongroom.api.core.v1.pod import (
    containers,
    validation_annotations,
    validation_claims,
    validation_container,
    validation_dns,
    validation_env,
    validation_resources,
    validation_scheduling,
    validation_security,
    validation_volume,
    validation_windows,
    whole_resources,
)
from strongroom.machinery import meta, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

RESTART_POLICIES = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")
INT32_MAX = 2**31 - 1
SYSTEMS = ("linux", "windows")
HOSTNAME_MAX = 64


def validate(pod: Object) -> list[FieldError]:
    """All broken rules of a Pod with its defaults, without those of ObjectMeta."""
    metadata, spec = pod["metadata"], pod["spec"]
    errors = validation_annotations.validate(metadata.get("annotations") or {}, spec)
    errors += validate_spec(spec, is_pod=True, pod_name=metadata.get("name", ""))
    if not spec.get("serviceAccountName"):
        text = "must not be specified when serviceAccountName is not set"
        errors += [
            validation.forbidden(f"spec.volumes[{index}].projected.sources[{at}].serviceAccountToken", text)
            for index, volume in enumerate(containers.volumes(spec))
            for at, source in enumerate((volume.get("projected") or {}).get("sources") or ())
            if source.get("serviceAccountToken") is not None
        ]
    return errors + validation_container.validate_images(spec)


def validate_spec(spec: Object, *, is_pod: bool, pod_name: str = "") -> list[FieldError]:
    """Those of a Pod's spec, or of the one in a template (not `is_pod`)."""
    volumes, errors = validation_volume.validate_volumes(containers.volumes(spec), "spec.volumes", pod_name)
    errors += validation_claims.validate(spec)
    errors += validation_container.validate_all(spec, volumes, is_pod=is_pod)
    errors += whole_resources.validate(spec)
    errors += _choice(spec, "restartPolicy", RESTART_POLICIES)
    errors += _choice(spec, "dnsPolicy", DNS_POLICIES)
    errors += meta.validate_labels(spec.get("nodeSelector") or {}, "spec.nodeSelector")
    errors += validation_security.validate_pod(spec)
    errors += validation_scheduling.validate_affinity(spec.get("affinity") or {})
    errors += validation_dns.validate(spec)
    errors += _readiness_gates(spec.get("readinessGates") or ())
    errors += validation_scheduling.validate_gates(spec.get("schedulingGates") or ())
    errors += validation_scheduling.validate_spread(spec.get("topologySpreadConstraints") or ())
    errors += validation_windows.validate_host_processes(spec)
    errors += validation_security.validate_host_users(spec)
    errors += _hostname_override(spec)
    errors += _names(spec, "serviceAccountName", "nodeName")
    errors += _validate_deadline(spec.get("activeDeadlineSeconds"))
    errors += _names(spec, "hostname", "subdomain")
    tolerations = spec.get("tolerations") or ()
    errors += validation_scheduling.validate_tolerations(tolerations, "spec.tolerations")
    errors += _host_aliases(spec.get("hostAliases") or ())
    errors += _names(spec, "priorityClassName", "runtimeClassName")
    if "preemptionPolicy" in spec:
        errors += _choice(spec, "preemptionPolicy", PREEMPTION_POLICIES)
    if overhead := spec.get("overhead"):
        errors += validation_resources.validate({"limits": overhead}, "spec.overhead")
    errors += _operating_system(spec)
    return errors + validation_env.validate_file_key_volumes(spec)


def validate_create(pod: Object) -> list[FieldError]:
    """All broken rules of a new Pod (`ValidatePodCreate`)."""
    errors = validate(pod)
    spec = pod["spec"]
    if containers.of(spec, "ephemeralContainers"):
        errors.append(validation.forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        text = "cannot be set until all schedulingGates have been cleared"
        errors.append(validation.forbidden("spec.nodeName", text))
    return errors + validation_annotations.validate_profiles(pod["metadata"].get("annotations") or {}, spec)


def _invalid(field: str, value: Any, messages: Sequence[str]) -> list[FieldError]:
    return [validation.invalid_value(field, value, message) for message in messages]


def _choice(spec: Object, field: str, supported: Sequence[str]) -> list[FieldError]:
    value = spec.get(field, "")
    if not value:
        return [validation.required(f"spec.{field}")]
    return [] if value in supported else [validation.not_supported(f"spec.{field}", value, supported)]


def _names(spec: Object, *fields: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for field in fields:
        if (value := spec.get(field)) or (value == "" and field == "runtimeClassName"):
            rule = names.dns1123_label if field in ("hostname", "subdomain") else names.dns1123_subdomain
            errors += _invalid(f"spec.{field}", value, rule(value))
    return errors


def _hostname_override(spec: Object) -> list[FieldError]:
    path, name = "spec.hostnameOverride", spec.get("hostnameOverride")
    if name is None:
        return []
    errors = [
        validation.forbidden(path, f"may not be specified when {field} is true")
        for field in ("setHostnameAsFQDN", "hostNetwork")
        if spec.get(field)
    ]
    if names.size(name) > HOSTNAME_MAX:
        errors.append(validation.too_long(path, HOSTNAME_MAX))
    return errors + _invalid(path, name, names.dns1123_subdomain(name))


def _readiness_gates(gates: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, gate in enumerate(gates):
        kind = gate.get("conditionType", "")
        errors += _invalid(f"spec.readinessGates[{index}].conditionType", kind, names.qualified_name(kind))
    return errors


def _host_aliases(aliases: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, alias in enumerate(aliases):
        path = f"spec.hostAliases[{index}]"
        errors += validation_dns.valid_ip(f"{path}.ip", alias.get("ip", ""))
        for at, hostname in enumerate(alias.get("hostnames") or ()):
            errors += _invalid(f"{path}.hostnames[{at}]", hostname, names.dns1123_subdomain(hostname))
    return errors


def _operating_system(spec: Object) -> list[FieldError]:
    system = spec.get("os")
    if system is None:
        return []
    name = system.get("name", "")
    if not name:
        return [validation.required("spec.os.name")]
    if name not in SYSTEMS:
        return [validation.not_supported("spec.os", name, SYSTEMS)]  # upstream's path
    rules = validation_windows
    return rules.validate_linux(spec) if name == "linux" else rules.validate_windows(spec)


def _validate_deadline(seconds: int | None) -> list[FieldError]:
    if seconds is None or 1 <= seconds <= INT32_MAX:
        return []
    return _invalid("spec.activeDeadlineSeconds", seconds, [names.in_range(1, INT32_MAX)])
