"""The rules of what steers scheduling: tolerations, gates, affinity, topology spread."""

from collections.abc import Mapping, Sequence

from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
OPERATORS = ("Equal", "Exists")
_VALUES = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False, "Gt": True, "Lt": True}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")


def validate(spec: Object) -> list[FieldError]:
    errors = validate_tolerations(spec.get("tolerations") or (), "spec.tolerations")
    errors += _gates(spec.get("schedulingGates") or ())
    affinity = spec.get("affinity") or {}
    errors += _node_affinity(affinity.get("nodeAffinity") or {}, "spec.affinity.nodeAffinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        errors += _pod_affinity(affinity.get(kind) or {}, f"spec.affinity.{kind}")
    return errors + _spread(spec.get("topologySpreadConstraints") or ())


def validate_tolerations(tolerations: Sequence[Object], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, toleration in enumerate(tolerations):
        at = f"{path}[{index}]"
        key, operator = toleration.get("key", ""), toleration.get("operator", "")
        value, effect = toleration.get("value", ""), toleration.get("effect", "")
        if key:
            errors += [validation.invalid_value(f"{at}.key", key, m) for m in names.qualified_name(key)]
        elif operator != "Exists":
            text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            errors.append(validation.invalid_value(f"{at}.operator", operator, text))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            errors.append(validation.invalid_value(f"{at}.effect", effect, text))
        if operator in ("", "Equal"):
            if messages := names.label_value(value):
                errors.append(validation.invalid_value(f"{at}.operator", value, ";".join(messages)))
        elif operator != "Exists":
            errors.append(validation.not_supported(f"{at}.operator", operator, OPERATORS))
        elif value:
            text = "value must be empty when `operator` is 'Exists'"
            errors.append(validation.invalid_value(f"{at}.operator", value, text))
        if effect and effect not in EFFECTS:
            errors.append(validation.not_supported(f"{at}.effect", effect, EFFECTS))
    return errors


def _gates(gates: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        path, name = f"spec.schedulingGates[{index}]", gate.get("name", "")
        errors += [validation.invalid_value(path, name, m) for m in names.qualified_name(name)]
        if name in seen:
            errors.append(validation.duplicate(path, name))
        seen.add(name)
    return errors


def _node_affinity(affinity: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if (required := affinity.get(_REQUIRED)) is not None:
        at = f"{path}.{_REQUIRED}.nodeSelectorTerms"
        terms = required.get("nodeSelectorTerms") or ()
        if not terms:
            errors.append(validation.required(at, "must have at least one node selector term"))
        for index, term in enumerate(terms):
            errors += _term(term, f"{at}[{index}]")
    for index, preferred in enumerate(affinity.get(_PREFERRED) or ()):
        at = f"{path}.{_PREFERRED}[{index}]"
        errors += _weight(preferred, at)
        errors += _term(preferred.get("preference") or {}, f"{at}.preference")
    return errors


def _term(term: Object, path: str) -> list[FieldError]:
    return [
        error
        for index, expression in enumerate(term.get("matchExpressions") or ())
        for error in _expression(expression, f"{path}.matchExpressions[{index}]")
    ]


def _expression(expression: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    operator, values = expression.get("operator", ""), expression.get("values") or ()
    takes_values = _VALUES.get(operator)
    if takes_values is None:
        errors.append(validation.invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            text = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            errors.append(validation.required(f"{path}.values", text))
    elif takes_values and not values:
        text = "must be specified when `operator` is 'In' or 'NotIn'"
        errors.append(validation.required(f"{path}.values", text))
    elif not takes_values and values:
        text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        errors.append(validation.forbidden(f"{path}.values", text))
    key = expression.get("key", "")
    return errors + [validation.invalid_value(f"{path}.key", key, m) for m in names.qualified_name(key)]


def _weight(preferred: Mapping[str, int], path: str) -> list[FieldError]:
    weight = preferred.get("weight", 0)
    if 1 <= weight <= 100:
        return []
    return [validation.invalid_value(f"{path}.weight", weight, "must be in the range 1-100")]


def _pod_affinity(affinity: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, term in enumerate(affinity.get(_REQUIRED) or ()):
        errors += _pod_term(term, f"{path}.{_REQUIRED}[{index}]")
    for index, preferred in enumerate(affinity.get(_PREFERRED) or ()):
        at = f"{path}.{_PREFERRED}[{index}]"
        errors += _weight(preferred, at)
        errors += _pod_term(preferred.get("podAffinityTerm") or {}, f"{at}.podAffinityTerm")
    return errors


def _pod_term(term: Object, path: str) -> list[FieldError]:
    key = term.get("topologyKey", "")
    if not key:
        return [validation.required(f"{path}.topologyKey", "can not be empty")]
    return [validation.invalid_value(f"{path}.topologyKey", key, m) for m in names.qualified_name(key)]


def _spread(constraints: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, constraint in enumerate(constraints):
        path = f"spec.topologySpreadConstraints[{index}]"
        skew, action = constraint.get("maxSkew", 0), constraint.get("whenUnsatisfiable", "")
        if skew <= 0:
            errors.append(validation.invalid_value(f"{path}.maxSkew", skew, "must be greater than zero"))
        if not constraint.get("topologyKey"):
            errors.append(validation.required(f"{path}.topologyKey", "can not be empty"))
        if action not in UNSATISFIABLE:
            errors.append(validation.not_supported(f"{path}.whenUnsatisfiable", action, UNSATISFIABLE))
    return errors
