"""The rules of security contexts, and of sharing the host's namespaces."""

import re

from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

ID_MAX = 2**31 - 1
GROUP_CHANGE_POLICIES = ("Always", "OnRootMismatch")
GROUP_POLICIES = ("Merge", "Strict")
SECCOMP_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
PROC_MOUNTS = ("Default", "Unmasked")
_SYSCTL = re.compile(r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?([\./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*")


def validate_pod(spec: Object) -> list[FieldError]:
    """`spec.securityContext` and the host namespaces."""
    context, path = spec.get("securityContext") or {}, "spec.securityContext"
    errors = _ids(context, path, ("fsGroup", "runAsUser", "runAsGroup"))
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        errors += _id(group, f"{path}.supplementalGroups[{index}]")
    errors += _choice(context, "fsGroupChangePolicy", GROUP_CHANGE_POLICIES, path)
    errors += _choice(context, "supplementalGroupsPolicy", GROUP_POLICIES, path)
    errors += _seccomp(context, path)
    errors += _sysctls(context, f"{path}.sysctls")
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        text = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(validation.invalid_value("spec.shareProcessNamespace", True, text))
    if spec.get("hostUsers") is False:
        text = "when `pod.Spec.HostUsers` is false"
        for field, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
            if spec.get(field):
                errors.append(validation.forbidden(f"spec.{shown}", text))
    return errors


def validate_container(container: Object, path: str) -> list[FieldError]:
    """A container's `securityContext`."""
    context = container.get("securityContext") or {}
    errors = _ids(context, path, ("runAsUser", "runAsGroup"))
    errors += _choice(context, "procMount", PROC_MOUNTS, path)
    errors += _seccomp(context, path)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            errors.append(validation.invalid_value(path, context, text))
        added = (context.get("capabilities") or {}).get("add") or ()
        if "CAP_SYS_ADMIN" in added:
            text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            errors.append(validation.invalid_value(path, context, text))
    return errors


def _id(value: int, path: str) -> list[FieldError]:
    if 0 <= value <= ID_MAX:
        return []
    return [validation.invalid_value(path, value, names.in_range(0, ID_MAX))]


def _ids(context: Object, path: str, fields: tuple[str, ...]) -> list[FieldError]:
    return [
        error
        for field in fields
        if (value := context.get(field)) is not None
        for error in _id(value, f"{path}.{field}")
    ]


def _choice(context: Object, field: str, supported: tuple[str, ...], path: str) -> list[FieldError]:
    value = context.get(field)
    if value is None or value in supported:
        return []
    return [validation.not_supported(f"{path}.{field}", value, supported)]


def _seccomp(context: Object, path: str) -> list[FieldError]:
    profile = context.get("seccompProfile")
    if profile is None:
        return []
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    at = f"{path}.seccompProfile"
    if kind == "Localhost":
        if not local:
            text = "must be set when seccomp type is Localhost"
            return [validation.required(f"{at}.localhostProfile", text)]
        return [
            validation.invalid_value(f"{at}.localhostProfile", local, m) for m in names.relative_path(local)
        ]
    if local is not None:
        text = "can only be set when seccomp type is Localhost"
        return [validation.invalid_value(f"{at}.localhostProfile", local, text)]
    if not kind:
        return [validation.required(f"{at}.type", "type is required when seccompProfile is set")]
    return [] if kind in SECCOMP_TYPES else [validation.not_supported(f"{at}.type", kind, SECCOMP_TYPES)]


def _sysctls(context: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, sysctl in enumerate(context.get("sysctls") or ()):
        at, name = f"{path}[{index}].name", sysctl.get("name", "")
        if not name:
            errors.append(validation.required(at))
        elif not _SYSCTL.fullmatch(name):
            text = f"must have at most 253 characters and match regex ^{_SYSCTL.pattern}$"
            errors.append(validation.invalid_value(at, name, text))
        elif name in seen:
            errors.append(validation.duplicate(at, name))
        seen.add(name)
    return errors
