"""The rules of a container's resource requests and limits."""

from strongroom.machinery import names, quantity, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_STANDARD = ("cpu", "memory", "ephemeral-storage")
_HUGE_PAGES = "hugepages-"
_NATIVE_DOMAIN = "kubernetes.io/"


def validate(requirements: Object, path: str) -> list[FieldError]:
    """Amounts that were canonical before; requests within limits."""
    errors: list[FieldError] = []
    limits, requests = requirements.get("limits") or {}, requirements.get("requests") or {}
    for field, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            at = f"{path}.{field}[{name}]"
            errors += _name(name, f"{path}.{field}")
            errors += _amount(name, amount, at)
    for name, amount in requests.items():
        limit = limits.get(name)
        if limit is None:
            if not _can_overcommit(name):
                text = "Limit must be set for non overcommitable resources"
                errors.append(validation.required(f"{path}.limits", text))
        elif _can_overcommit(name):
            if quantity.of(amount) > quantity.of(limit):
                text = f"must be less than or equal to {name} limit of {limit}"
                errors.append(validation.invalid_value(f"{path}.requests", amount, text))
        elif quantity.of(amount) != quantity.of(limit):
            text = f"must be equal to {name} limit of {limit}"
            errors.append(validation.invalid_value(f"{path}.requests", amount, text))
    return errors


def _can_overcommit(name: str) -> bool:
    return not name.startswith(_HUGE_PAGES) and ("/" not in name or _NATIVE_DOMAIN in name)


def _name(name: str, path: str) -> list[FieldError]:
    if messages := names.qualified_name(name):
        return [validation.invalid_value(path, name, message) for message in messages]
    if "/" in name or name in _STANDARD or name.startswith(_HUGE_PAGES):
        return []
    return [
        validation.invalid_value(path, name, "must be a standard resource type or fully qualified"),
        validation.invalid_value(path, name, "must be a standard resource for containers"),
    ]


def _amount(name: str, amount: str, path: str) -> list[FieldError]:
    value = quantity.of(amount)
    if value < quantity.ZERO:
        return [validation.invalid_value(path, amount, "must be greater than or equal to 0")]
    if not _can_overcommit(name) and value.nanos % quantity.NANO:
        return [validation.invalid_value(path, amount, "must be an integer")]
    return []
