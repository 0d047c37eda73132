"""The rules of a container's own restart policy, and of its rules by exit code (KEP-5307).

Source: `validateContainerRestartPolicy` of Kubernetes 1.36, with `ContainerRestartRules` on.
"""

from strongroom.machinery import validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

POLICIES = ("Always", "Never", "OnFailure")
ACTIONS = ("Restart", "RestartAllContainers")
OPERATORS = ("In", "NotIn")
RULES_MAX = 20
EXIT_CODES_MAX = 255


def validate(container: Object, path: str, *, is_init: bool) -> list[FieldError]:
    """Of a regular container, or of an init container."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or ()
    if policy is None and not rules:
        return []
    errors: list[FieldError] = []
    if policy is None:
        text = "must specify restartPolicy when restart rules are used"
        errors.append(validation.required(f"{path}.restartPolicy", text))
        if is_init:
            return errors
    elif policy not in POLICIES:
        errors.append(validation.not_supported(f"{path}.restartPolicy", policy, POLICIES))
    at = f"{path}.restartPolicyRules"
    if len(rules) > RULES_MAX:
        errors.append(validation.too_many(at, len(rules), RULES_MAX))
    for index, rule in enumerate(rules):
        errors += _rule(rule, f"{at}[{index}]")
    return errors


def _rule(rule: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if (action := rule.get("action", "")) not in ACTIONS:
        errors.append(validation.not_supported(f"{path}.action", action, ACTIONS))
    codes = rule.get("exitCodes")
    if codes is None:
        return [*errors, validation.required(f"{path}.exitCodes", "must be specified")]
    if (operator := codes.get("operator", "")) not in OPERATORS:
        errors.append(validation.not_supported(f"{path}.exitCodes.operator", operator, OPERATORS))
    if (count := len(codes.get("values") or ())) > EXIT_CODES_MAX:
        errors.append(validation.too_many(f"{path}.exitCodes.values", count, EXIT_CODES_MAX))
    return errors
