"""The rules of a new status of a Pod (`ValidatePodStatusUpdate`)."""

import ipaddress
from collections.abc import Sequence

from strongroom.api.core.v1.pod import containers, restarts, validation_annotations, validation_dns
from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_SYSTEM = ("PodScheduled", "Ready", "Initialized")
_STATUSES = {
    "containers": "containerStatuses",
    "initContainers": "initContainerStatuses",
    "ephemeralContainers": "ephemeralContainerStatuses",
}


def validate(new: Object, old: Object) -> list[FieldError]:
    status, before, spec = new.get("status") or {}, old.get("status") or {}, old["spec"]
    annotations, known = ((each["metadata"].get("annotations") or {}) for each in (new, old))
    errors = validation_annotations.validate_update(annotations, known)
    for index, condition in enumerate(status.get("conditions") or ()):
        if (kind := condition.get("type", "")) not in _SYSTEM:
            # Upstream's path.
            path = f"metadata.conditions[{index}].Type"
            errors += [validation.invalid_value(path, kind, m) for m in names.qualified_name(kind)]
    nominated = status.get("nominatedNodeName", "")
    if nominated and nominated != before.get("nominatedNodeName"):
        messages = names.dns1123_subdomain(nominated)
        errors += [validation.invalid_value("status.nominatedNodeName", nominated, m) for m in messages]
    if before.get("qosClass") and status.get("qosClass") != before["qosClass"]:
        errors.append(
            validation.invalid_value("status.qosClass", status.get("qosClass"), "field is immutable")
        )
    for kind, field in _STATUSES.items():
        errors += _restarts(status, before, field, spec, kind)
    return errors + _pod_addresses(status.get("podIPs") or ()) + _host_addresses(status)


def _restarts(status: Object, before: Object, field: str, spec: Object, kind: str) -> list[FieldError]:
    """What ended and is not to be started again stays ended. Ephemeral containers never run again."""
    is_ephemeral = kind == "ephemeralContainers"
    if not is_ephemeral and restarts.may_take_all(spec):
        return []
    errors: list[FieldError] = []
    known = {container.get("name"): container for container in containers.of(spec, kind)}
    for index, old in enumerate(before.get(field) or ()):
        ended = (old.get("state") or {}).get("terminated")
        if ended is None:
            continue
        container = None if is_ephemeral else known.get(old.get("name"))
        if container is not None and restarts.again(container, spec, ended.get("exitCode", 0)):
            continue
        errors += [
            validation.forbidden(
                f"status.{field}[{index}].state", "may not be transitioned to non-terminated state"
            )
            for new in status.get(field) or ()
            if new.get("name") == old.get("name") and not (new.get("state") or {}).get("terminated")
        ]
    return errors


def _pod_addresses(listed: Sequence[Object]) -> list[FieldError]:
    path = "status.podIPs"
    addresses = [each.get("ip", "") for each in listed]
    errors = [
        e for i, address in enumerate(addresses) for e in validation_dns.valid_ip(f"{path}[{i}]", address)
    ]
    if len(addresses) > 1:
        errors += _families(listed, addresses, path)
        errors += _duplicates(listed, addresses, path)
    return errors


def _host_addresses(status: Object) -> list[FieldError]:
    path, listed = "status.hostIPs", status.get("hostIPs") or ()
    addresses = [each.get("ip", "") for each in listed]
    if not addresses:
        return []
    errors: list[FieldError] = []
    if status.get("hostIP", "") != addresses[0]:
        errors.append(validation.invalid_value(f"{path}[0].ip", addresses[0], "must be equal to `hostIP`"))
    for index, address in enumerate(addresses):
        errors += validation_dns.valid_ip(f"{path}[{index}]", address)
    if len(addresses) > 1:
        errors += _duplicates(listed, addresses, path)
        errors += _families(listed, addresses, path)
    return errors


def _families(listed: Sequence[Object], addresses: Sequence[str], path: str) -> list[FieldError]:
    """One address for each family."""
    try:
        versions = {ipaddress.ip_address(address).version for address in addresses}
    except ValueError:
        return []
    if len(versions) == len(addresses):
        return []
    text = "may specify no more than one IP for each IP family"
    return [validation.invalid_value(path, list(listed), text)]


def _duplicates(listed: Sequence[Object], addresses: Sequence[str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, address in enumerate(addresses):
        if address in seen:
            errors.append(validation.duplicate(f"{path}[{index}]", listed[index]))
        seen.add(address)
    return errors
