"""The rules of a container's resource requests and limits."""

from collections.abc import Callable

from strongroom.api.core.v1 import resource_names
from strongroom.machinery import quantity, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

NameRule = Callable[[str, str], list[FieldError]]


def validate(
    requirements: Object, path: str, validate_name: NameRule = resource_names.validate_of_container
) -> list[FieldError]:
    """Amounts that were canonical before; requests within limits.

    `validate_name(name, path)`: which resources there may be."""
    errors: list[FieldError] = []
    limits, requests = requirements.get("limits") or {}, requirements.get("requests") or {}
    for name, amount in limits.items():
        errors += _amount(name, amount, f"{path}.limits[{name}]", validate_name)
    for name, amount in requests.items():
        at = f"{path}.requests[{name}]"
        errors += validate_name(name, at)
        errors += resource_names.validate_amount(name, amount, at)
        errors += _against_limit(name, amount, limits.get(name), path)
        if resource_names.is_huge_pages(name):
            errors += resource_names.validate_pages(name, amount, at)
    named = {*limits, *requests}
    if any(map(resource_names.is_huge_pages, named)) and not named & {"cpu", "memory"}:
        errors.append(validation.forbidden(path, "HugePages require cpu or memory"))
    return errors


def _amount(name: str, amount: str, path: str, validate_name: NameRule) -> list[FieldError]:
    errors = validate_name(name, path)
    errors += resource_names.validate_amount(name, amount, path)
    if resource_names.is_huge_pages(name):
        errors += resource_names.validate_pages(name, amount, path)
    return errors


def _against_limit(name: str, amount: str, limit: str | None, path: str) -> list[FieldError]:
    if limit is None:
        if resource_names.can_overcommit(name):
            return []
        text = "Limit must be set for non overcommitable resources"
        return [validation.required(f"{path}.limits", text)]
    asked, most = quantity.of(amount), quantity.of(limit)
    if asked != most and not resource_names.can_overcommit(name):
        text = f"must be equal to {name} limit of {limit}"
    elif asked > most:
        text = f"must be less than or equal to {name} limit of {limit}"
    else:
        return []
    return [validation.invalid_value(f"{path}.requests", amount, text)]
