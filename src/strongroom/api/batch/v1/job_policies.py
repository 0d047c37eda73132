"""The rules of what a Job says about the ends of its Pods (`ValidateJob`: failure and success policies)."""

from typing import Final

from strongroom.api.core.v1.pod import containers
from strongroom.machinery import integers, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_MOST_RULES: Final = 20
_MOST_CODES: Final = 255
_ACTIONS: Final = ("Count", "FailJob", "Ignore")
"""`FailIndex` needs `backoffLimitPerIndex`, which is not known here."""
_OPERATORS: Final = ("In", "NotIn")


def validate_failure(spec: Object, path: str) -> list[FieldError]:
    policy = spec.get("podFailurePolicy")
    if policy is None:
        return []
    errors: list[FieldError] = []
    restart = spec["template"]["spec"].get("restartPolicy")
    if restart != "Never":
        text = 'only "Never" is supported when podFailurePolicy is specified'
        errors.append(validation.invalid_value(f"{path}.template.spec.restartPolicy", restart, text))
    if (replacement := spec["podReplacementPolicy"]) != "Failed":
        errors.append(validation.not_supported(f"{path}.podReplacementPolicy", replacement, ("Failed",)))
    names = {each.get("name") for _, each in containers.every(spec["template"]["spec"])}
    rules, where = policy.get("rules") or (), f"{path}.podFailurePolicy.rules"
    if len(rules) > _MOST_RULES:
        errors.append(validation.too_many(where, len(rules), _MOST_RULES))
    for number, rule in enumerate(rules):
        errors += _rule(rule, f"{where}[{number}]", names)
    return errors


def validate_success(spec: Object, path: str) -> list[FieldError]:
    policy, where = spec.get("successPolicy"), f"{path}.successPolicy"
    if policy is None:
        return []
    if spec["completionMode"] != "Indexed":
        text = "requires indexed completion mode"
        return [validation.invalid_value(where, policy, text)]
    errors: list[FieldError] = []
    rules = policy.get("rules") or ()
    if not rules:
        text = "at least one rules must be specified when the successPolicy is specified"
        errors.append(validation.required(f"{where}.rules", text))
    if len(rules) > _MOST_RULES:
        errors.append(validation.too_many(f"{where}.rules", len(rules), _MOST_RULES))
    for number, rule in enumerate(rules):
        errors += _success_rule(rule, f"{where}.rules[{number}]", spec.get("completions") or 0)
    return errors


def _success_rule(rule: Object, path: str, completions: int) -> list[FieldError]:
    text, count = rule.get("succeededIndexes"), rule.get("succeededCount")
    if text is None and count is None:
        why = "at least one of succeededCount or succeededIndexes must be specified"
        return [validation.required(path, why)]
    errors: list[FieldError] = []
    total = completions
    if text is not None:
        spans = _spans(text)
        if spans is None or any(last >= completions for _, last in spans):
            why = f"must be indexes below {completions} in order, such as 0,2-4"
            errors.append(validation.invalid_value(f"{path}.succeededIndexes", text, why))
        else:
            total = sum(last - first + 1 for first, last in spans)
    if count is not None:
        if count < 1:
            why = "must be greater than or equal to 1"
            errors.append(validation.invalid_value(f"{path}.succeededCount", count, why))
        elif count > total:
            why = f"must be less than or equal to {total}"
            errors.append(validation.invalid_value(f"{path}.succeededCount", count, why))
    return errors


def _spans(text: str) -> list[tuple[int, int]] | None:
    """None: it is no list of indexes in order."""
    found: list[tuple[int, int]] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        low = integers.parse(first, 0)
        high = integers.parse(last, 0) if dash else low
        if low is None or high is None or low > high or (found and low <= found[-1][1]):
            return None
        found.append((low, high))
    return found


def _rule(rule: Object, path: str, names: set[str | None]) -> list[FieldError]:
    errors: list[FieldError] = []
    action = rule.get("action") or ""
    if not action:
        errors.append(validation.required(f"{path}.action", 'valid values: ["Count" "FailJob" "Ignore"]'))
    elif action not in _ACTIONS:
        errors.append(validation.not_supported(f"{path}.action", action, _ACTIONS))
    codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions") or ()
    if codes is not None:
        errors += _exit_codes(codes, f"{path}.onExitCodes", names)
    if len(patterns) > _MOST_RULES:
        errors.append(validation.too_many(f"{path}.onPodConditions", len(patterns), _MOST_RULES))
    if (codes is None) == (not patterns):
        both = "specifying both OnExitCodes and OnPodConditions is not supported"
        none = "specifying one of OnExitCodes and OnPodConditions is required"
        errors.append(validation.invalid_value(path, rule, none if codes is None else both))
    return errors


def _exit_codes(codes: Object, path: str, names: set[str | None]) -> list[FieldError]:
    errors: list[FieldError] = []
    operator, values = codes.get("operator") or "", codes.get("values") or []
    if operator not in _OPERATORS:
        errors.append(validation.not_supported(f"{path}.operator", operator, _OPERATORS))
    container = codes.get("containerName")
    if container is not None and container not in names:
        why = "must be one of the container or initContainer names in the pod template"
        errors.append(validation.invalid_value(f"{path}.containerName", container, why))
    where = f"{path}.values"
    if not values:
        errors.append(validation.invalid_value(where, values, "at least one value is required"))
    elif len(values) > _MOST_CODES:
        errors.append(validation.too_many(where, len(values), _MOST_CODES))
    for number, value in enumerate(values):
        if operator == "In" and value == 0:
            why = "must not be 0 for the In operator"
            errors.append(validation.invalid_value(f"{where}[{number}]", value, why))
        if value in values[:number]:
            errors.append(validation.duplicate(f"{where}[{number}]", value))
    if values != sorted(values):
        errors.append(validation.invalid_value(where, values, "must be ordered"))
    return errors
