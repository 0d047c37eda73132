"""The rules of a `LabelSelector` object (`apimachinery/pkg/apis/meta/v1/validation`)."""

from collections.abc import Mapping
from typing import Any

from strongroom.machinery import meta, names, validation
from strongroom.machinery.validation import FieldError

WITH_VALUES = ("In", "NotIn")
WITHOUT_VALUES = ("Exists", "DoesNotExist")


def is_empty(selector: Mapping[str, Any]) -> bool:
    """Whether it has no requirement, and so matches everything."""
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def validate(selector: Mapping[str, Any], path: str) -> list[FieldError]:
    """All broken rules of a selector."""
    errors = meta.validate_labels(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        errors += _expression(expression, f"{path}.matchExpressions[{index}]")
    return errors


def _expression(expression: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    operator, values = expression.get("operator", ""), expression.get("values") or ()
    if operator in WITH_VALUES:
        if not values:
            text = "must be specified when `operator` is 'In' or 'NotIn'"
            errors.append(validation.required(f"{path}.values", text))
    elif operator in WITHOUT_VALUES:
        if values:
            text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(validation.forbidden(f"{path}.values", text))
    else:
        errors.append(validation.invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    key = expression.get("key", "")
    errors += [validation.invalid_value(f"{path}.key", key, m) for m in names.qualified_name(key)]
    for index, value in enumerate(values):
        errors += [
            validation.invalid_value(f"{path}.values[{index}]", value, m) for m in names.label_value(value)
        ]
    return errors
