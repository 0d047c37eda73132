"""The rules of what only Windows has, and of what it has not (`windowsOptions`, `os.name`)."""

import re
from collections.abc import Iterator, Mapping

from strongroom.api.core.v1.pod import containers
from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

CREDENTIAL_SPEC_MAX_KIB = 64
DOMAIN_MAX = 256
USER_MAX = 104
_HIDDEN = re.compile(r"[\x00-\x1f\x7f]")
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_is_dns_domain = re.compile(rf"{_LABEL}(?:\.{_LABEL})*").fullmatch
_is_net_bios_domain = re.compile(r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}').fullmatch
_NOT_IN_USER = frozenset('"/\\:;|=,+*?<>@[]')
_USER_TEXT = 'cannot contain the following characters: "/\\:;|=,+*?<>@[]'
_OF_CONTEXT = (
    "appArmorProfile", "seLinuxOptions", "hostUsers", "hostPID", "hostIPC", "seccompProfile", "fsGroup",
    "fsGroupChangePolicy", "sysctls", "shareProcessNamespace", "runAsUser", "runAsGroup",
    "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy",
)  # fmt: skip
_OF_SPEC = frozenset(("hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"))
_IF_FILLED = frozenset(("hostPID", "hostIPC", "sysctls"))
_OF_CONTAINER = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem",
    "privileged", "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
)  # fmt: skip


def validate_options(context: Object, path: str) -> list[FieldError]:
    """The `windowsOptions` of a security context, which stands at `path`."""
    options = context.get("windowsOptions") or {}
    at = f"{path}.windowsOptions"
    errors: list[FieldError] = []
    if (name := options.get("gmsaCredentialSpecName")) is not None:
        messages = names.dns1123_subdomain(name)
        errors += [validation.invalid_value(f"{at}.gmsaCredentialSpecName", name, m) for m in messages]
    if (spec := options.get("gmsaCredentialSpec")) is not None:
        text = ""
        if not spec:
            text = "gmsaCredentialSpec cannot be an empty string"
        elif names.size(spec) > CREDENTIAL_SPEC_MAX_KIB * 1024:
            text = f"gmsaCredentialSpec size must be under {CREDENTIAL_SPEC_MAX_KIB} KiB"
        if text:
            errors.append(validation.invalid_value(f"{at}.gmsaCredentialSpec", spec, text))
    if (user := options.get("runAsUserName")) is not None:
        errors += [
            validation.invalid_value(f"{at}.runAsUserName", user, f"runAsUserName{text}")
            for text in _user_texts(user)
        ]
    return errors


def _user_texts(name: str) -> Iterator[str]:
    """What is wrong with `[domain\\]user`."""
    domain, backslash, user = name.rpartition("\\")
    if not name:
        yield " cannot be an empty string"
    elif _HIDDEN.search(name):
        yield " cannot contain control characters"
    elif "\\" in domain:
        yield " cannot contain more than one backslash"
    else:
        if names.size(domain) >= DOMAIN_MAX:
            yield f"'s Domain length must be under {DOMAIN_MAX} characters"
        if backslash and not _is_net_bios_domain(domain) and not _is_dns_domain(domain):
            yield "'s Domain doesn't match the NetBios nor the DNS format"
        if not user:
            yield "'s User cannot be empty"
        elif names.size(user) > USER_MAX:
            yield f"'s User length must not be longer than {USER_MAX} characters"
        if user and not user.strip(". "):
            yield "'s User cannot contain only periods or spaces"
        if _NOT_IN_USER.intersection(user):
            yield f"'s User {_USER_TEXT}"


def validate_host_processes(spec: Object) -> list[FieldError]:
    """Containers that run as processes of the host: all of a Pod's or none, and in the host's network."""
    errors: list[FieldError] = []
    of_pod = _host_process(spec)
    found: list[bool] = []
    for path, container in containers.visited(spec):
        own = _host_process(container)
        if of_pod is not None and own is not None and of_pod != own:
            shown = "true" if of_pod else "false"
            text = f"pod hostProcess value must be identical if both are specified, was {shown}"
            at = f"{path}.securityContext.windowsOptions.hostProcess"
            errors.append(validation.invalid_value(at, own, text))
        found.append(bool(of_pod if own is None else own))
    if not any(found):
        return errors
    if not all(found):
        text = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        errors.append(validation.invalid_value("spec", "", text))
    if not spec.get("hostNetwork"):
        text = "hostNetwork must be true if pod contains any hostProcess containers"
        errors.append(validation.invalid_value("spec.hostNetwork", False, text))
    return errors


def _host_process(holder: Object) -> bool | None:
    context: Mapping[str, Object] = holder.get("securityContext") or {}
    found: bool | None = (context.get("windowsOptions") or {}).get("hostProcess")
    return found


def validate_linux(spec: Object) -> list[FieldError]:
    """What a Pod for Linux does not have."""
    holders = [("spec", spec), *containers.visited(spec)]
    text = "windows options cannot be set for a linux pod"
    return [
        validation.forbidden(f"{path}.securityContext.windowsOptions", text)
        for path, holder in holders
        if (holder.get("securityContext") or {}).get("windowsOptions") is not None
    ]


def validate_windows(spec: Object) -> list[FieldError]:
    """What a Pod for Windows does not have."""
    text = "cannot be set for a windows pod"
    errors: list[FieldError] = []
    context = spec.get("securityContext") or {}
    for field in _OF_CONTEXT:
        value = (spec if field in _OF_SPEC else context).get(field)
        if value is not None and (value or field not in _IF_FILLED):
            at = f"spec.{field}" if field in _OF_SPEC else f"spec.securityContext.{field}"
            errors.append(validation.forbidden(at, text))
    for path, container in containers.visited(spec):
        own = container.get("securityContext") or {}
        errors += [
            validation.forbidden(f"{path}.securityContext.{field}", text)
            for field in _OF_CONTAINER
            if own.get(field) is not None
        ]
    return errors
