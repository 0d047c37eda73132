"""The rules of a Node (`ValidateNode`, `ValidateNodeUpdate`)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from strongroom.api.core.v1 import resource_names
from strongroom.machinery import addresses, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
FAMILIES = 2
"""Of addresses."""
# Upstream's path: taints are in `spec`, and reported in `metadata`.
_TAINTS = "metadata.taints"
_SET_ONCE = 'node updates may not change {} except from "" to valid'
_FEATURE = re.compile(r"[A-Z][a-zA-Z0-9]*(/[a-zA-Z][a-zA-Z0-9]*)*")


def validate(node: Object) -> list[FieldError]:
    """All broken rules of a node by itself."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    errors = _taints(spec.get("taints") or ())
    errors += _amounts(status)
    errors += _swap((status.get("nodeInfo") or {}).get("swap") or {})
    errors += _features(status.get("declaredFeatures") or ())
    cidrs = spec.get("podCIDRs") or ()
    for index, text in enumerate(cidrs):
        messages = addresses.cidr(text)
        errors += [validation.invalid_value(f"spec.podCIDRs[{index}]", text, m) for m in messages]
    return errors + _families(cidrs)


def _families(cidrs: Sequence[str]) -> list[FieldError]:
    """Two networks are of the two families."""
    if len(cidrs) < FAMILIES:
        return []
    errors: list[FieldError] = []
    path = "spec.podCIDRs"
    bad = next((i for i, text in enumerate(cidrs) if addresses.cidr(text) == [addresses.VALID_CIDR]), None)
    if bad is not None:
        text = (
            "invalid PodCIDRs. failed to check with dual stack with error:invalid "
            f"CIDR[{bad}]: <nil> (invalid CIDR address: {cidrs[bad]})"
        )
        errors.append(FieldError("InternalError", path, f"Internal error: {text}"))
    if bad is not None or len(cidrs) > FAMILIES or len({":" in text for text in cidrs}) < FAMILIES:
        text = "may specify no more than one CIDR for each IP family"
        errors.append(validation.invalid_value(path, cidrs, text))
    return errors


def validate_update(new: Object, old: Object) -> list[FieldError]:
    """The broken rules of an update, of the node or its status; some are told twice, as upstream does."""
    spec, before, status = new.get("spec") or {}, old.get("spec") or {}, new.get("status") or {}
    errors = _amounts(status) + _features(status.get("declaredFeatures") or ())
    seen: set[tuple[str, str]] = set()
    for index, listed in enumerate(status.get("addresses") or ()):
        kind, address = listed.get("type", ""), listed.get("address", "")
        if (kind, address) in seen:
            shown = {"Type": kind, "Address": address}
            errors.append(validation.duplicate(f"status.addresses[{index}]", shown))
        seen.add((kind, address))
    if before.get("podCIDRs") and spec.get("podCIDRs") != before["podCIDRs"]:
        errors.append(validation.forbidden("spec.podCIDRs", _SET_ONCE.format("podCIDR")))
    if before.get("providerID") and spec.get("providerID") != before["providerID"]:
        errors.append(validation.forbidden("spec.providerID", _SET_ONCE.format("providerID")))
    errors += _taints(spec.get("taints") or ())
    if spec.get("externalID", "") != before.get("externalID", ""):
        errors.append(validation.forbidden("spec.externalID", "may not be updated"))
    return errors


def _taints(taints: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        path = f"{_TAINTS}[{index}]"
        key, value, effect = taint.get("key", ""), taint.get("value", ""), taint.get("effect", "")
        errors += [validation.invalid_value(f"{path}.key", key, m) for m in names.qualified_name(key)]
        if messages := names.label_value(value):
            errors.append(validation.invalid_value(f"{path}.value", value, ";".join(messages)))
        if not effect:
            errors.append(validation.required(f"{path}.effect"))
        elif effect not in EFFECTS:
            errors.append(validation.not_supported(f"{path}.effect", effect, EFFECTS))
        if (key, effect) in seen:
            # The field names of Go's internal type.
            shown = {"Key": key, "Value": value, "Effect": effect, "TimeAdded": taint.get("timeAdded")}
            text = "taints must be unique by key and effect pair"
            errors.append(validation.duplicate(path, shown, text))
        seen.add((key, effect))
    return errors


def _amounts(status: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for field in ("capacity", "allocatable"):
        for name, amount in (status.get(field) or {}).items():
            errors += resource_names.validate_amount(name, str(amount), f"status.{field}.{name}")
    return errors


def _swap(swap: Mapping[str, Any]) -> list[FieldError]:
    capacity = swap.get("capacity")
    if capacity is None or capacity > 0:
        return []
    path = "metadata.nodeSwapStatus.capacity"
    return [validation.invalid_value(path, capacity, "must be greater than zero")]


def _features(features: Sequence[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, name in enumerate(features):
        path = f"status.declaredFeatures[{index}]"
        messages = []
        if names.size(name) > names.SUBDOMAIN_MAX:
            messages = [names.max_length(names.SUBDOMAIN_MAX)]
        elif not _FEATURE.fullmatch(name):
            messages = [
                "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., "
                "MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
            ]
        quoted = validation.go_quote(name)
        errors += [
            validation.invalid_value(path, name, f"invalid feature name {quoted}: {message}")
            for message in messages
        ]
        following = features[index + 1 : index + 2]
        path = f"status.declaredFeatures[{index + 1}]"
        if following == [name]:
            errors.append(validation.duplicate(path, name))
        elif following and name > following[0]:
            errors.append(validation.invalid_value(path, following[0], "list must be sorted alphabetically"))
    return errors
