"""What a role is made of: rules on resources or on paths (`ValidatePolicyRule`)."""

from strongroom.machinery import validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_OF_RESOURCES = ("apiGroups", "resources", "resourceNames")


def validate(role: Object, *, namespaced: bool) -> list[FieldError]:
    """All broken rules of a role's rules. A namespaced role can't speak of paths."""
    errors: list[FieldError] = []
    for index, rule in enumerate(role.get("rules") or ()):
        errors += _rule(rule, f"rules[{index}]", namespaced)
    return errors


def _rule(rule: Object, path: str, namespaced: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    if not rule.get("verbs"):
        errors.append(validation.required(f"{path}.verbs", "verbs must contain at least one value"))
    if urls := rule.get("nonResourceURLs"):
        at = f"{path}.nonResourceURLs"
        if namespaced:
            text = "namespaced rules cannot apply to non-resource URLs"
            errors.append(validation.invalid_value(at, urls, text))
        if any(rule.get(field) for field in _OF_RESOURCES):
            text = "rules cannot apply to both regular resources and non-resource URLs"
            errors.append(validation.invalid_value(at, urls, text))
        return errors
    if not rule.get("apiGroups"):
        text = "resource rules must supply at least one api group"
        errors.append(validation.required(f"{path}.apiGroups", text))
    if not rule.get("resources"):
        text = "resource rules must supply at least one resource"
        errors.append(validation.required(f"{path}.resources", text))
    return errors
