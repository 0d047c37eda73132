"""The rules of security contexts, and of sharing the host's namespaces."""

import re

from strongroom.api.core.v1.pod import containers, internal_types, validation_windows
from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

ID_MAX = 2**31 - 1
GROUP_CHANGE_POLICIES = ("Always", "OnRootMismatch")
GROUP_POLICIES = ("Merge", "Strict")
SECCOMP_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
APP_ARMOR_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
APP_ARMOR_MAX = 4095
SELINUX_CHANGE_POLICIES = ("Recursive",)
PROC_MOUNTS = ("Default", "Unmasked")
_SEGMENT = r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"({_SEGMENT}[\./])*{_SEGMENT}"
_is_sysctl = re.compile(_SYSCTL).fullmatch
_HOST_SYSCTLS = (
    ("hostNetwork", ("net.",)),
    ("hostIPC", ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")),
)
"""Settings of namespaces that are the host's where the field is true."""


def validate_pod(spec: Object) -> list[FieldError]:
    """`spec.securityContext`, and what of the spec it does not go with."""
    context, path = spec.get("securityContext") or {}, "spec.securityContext"
    errors = _ids(context, path, ("fsGroup", "runAsUser", "runAsGroup"))
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        errors += _id(group, f"{path}.supplementalGroups[{index}]")
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        text = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(validation.invalid_value(f"{path}.shareProcessNamespace", True, text))
    errors += _sysctls(spec, f"{path}.sysctls")
    errors += _choice(context, "fsGroupChangePolicy", GROUP_CHANGE_POLICIES, path)
    errors += _seccomp(context, path)
    errors += validation_windows.validate_options(context, path)
    errors += _app_armor(context, path)
    errors += _choice(context, "supplementalGroupsPolicy", GROUP_POLICIES, path)
    errors += _choice(context, "seLinuxChangePolicy", SELINUX_CHANGE_POLICIES, path)
    return errors


def validate_host_users(spec: Object) -> list[FieldError]:
    """Users of one's own do not go with namespaces of the host."""
    errors: list[FieldError] = []
    if spec.get("hostUsers") is False:
        text = "when `hostUsers` is false"
        for field, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
            if spec.get(field):
                errors.append(validation.forbidden(f"spec.{shown}", text))
        errors += [
            validation.forbidden(f"{path}.volumeDevices", text)
            for path, container in containers.visited(spec)
            if container.get("volumeDevices")
        ]
    return errors


def validate_container(container: Object, path: str, *, host_users: bool) -> list[FieldError]:
    """A container's `securityContext`. `host_users`: its users are the host's."""
    context = container.get("securityContext") or {}
    errors = _ids(context, path, ("runAsUser", "runAsGroup"))
    errors += _choice(context, "procMount", PROC_MOUNTS, path)
    if host_users and context.get("procMount") == "Unmasked":
        text = "`hostUsers` must be false to use `Unmasked`"
        errors.append(validation.invalid_value(f"{path}.procMount", "Unmasked", text))
    errors += _seccomp(context, path)
    if context.get("allowPrivilegeEscalation") is False:
        shown = internal_types.shown("SecurityContext", context)
        if context.get("privileged"):
            text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            errors.append(validation.invalid_value(path, shown, text))
        added = (context.get("capabilities") or {}).get("add") or ()
        if "CAP_SYS_ADMIN" in added:
            text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            errors.append(validation.invalid_value(path, shown, text))
    errors += validation_windows.validate_options(context, path)
    return errors + _app_armor(context, path)


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
    errors: list[FieldError] = []
    if not kind:
        errors.append(validation.required(f"{at}.type", "type is required when seccompProfile is set"))
    elif kind not in SECCOMP_TYPES:
        errors.append(validation.not_supported(f"{at}.type", kind, SECCOMP_TYPES))
    if kind != "Localhost":
        if local is not None:
            text = "can only be set when seccomp type is Localhost"
            shown = {"Type": kind, "LocalhostProfile": local}
            errors.append(validation.invalid_value(f"{at}.localhostProfile", shown, text))
    elif local is None:
        text = "must be set when seccomp type is Localhost"
        errors.append(validation.required(f"{at}.localhostProfile", text))
    else:
        messages = names.relative_path(local)
        errors += [validation.invalid_value(f"{at}.localhostProfile", local, m) for m in messages]
    return errors


def _app_armor(context: Object, path: str) -> list[FieldError]:
    profile = context.get("appArmorProfile")
    return [] if profile is None else app_armor(profile, f"{path}.appArmorProfile")


def app_armor(profile: Object, path: str) -> list[FieldError]:
    """An AppArmor profile."""
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    if kind == "Localhost":
        return _local_app_armor(local, f"{path}.localhostProfile")
    if not kind:
        return [validation.required(f"{path}.type", "type is required when appArmorProfile is set")]
    if kind not in APP_ARMOR_TYPES:
        return [validation.not_supported(f"{path}.type", kind, APP_ARMOR_TYPES)]
    if local is None:
        return []
    text = "can only be set when AppArmor type is Localhost"
    return [validation.invalid_value(f"{path}.localhostProfile", local, text)]


def _local_app_armor(local: str | None, path: str) -> list[FieldError]:
    if not local:
        return [validation.required(path, "must be set when AppArmor type is Localhost")]
    errors: list[FieldError] = []
    if local != local.strip():
        errors.append(validation.invalid_value(path, local, "must not be padded with whitespace"))
    if names.size(local) > APP_ARMOR_MAX:
        errors.append(validation.too_long(path, APP_ARMOR_MAX))
    return errors


def _sysctls(spec: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, sysctl in enumerate((spec.get("securityContext") or {}).get("sysctls") or ()):
        at, name = f"{path}[{index}].name", sysctl.get("name", "")
        if not name:
            errors.append(validation.required(at))
        elif names.size(name) > names.SUBDOMAIN_MAX or not _is_sysctl(name):
            text = f"must have at most {names.SUBDOMAIN_MAX} characters and match regex ^{_SYSCTL}$"
            errors.append(validation.invalid_value(at, name, text))
        elif name in seen:
            errors.append(validation.duplicate(at, name))
        for host, starts in _HOST_SYSCTLS:
            if spec.get(host) and name.replace("/", ".").startswith(starts):
                text = f"may not be specified when '{host}' is true"
                errors.append(validation.invalid_value(at, name, text))
        seen.add(name)
    return errors
