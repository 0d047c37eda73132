"""The rules of what steers scheduling: tolerations, gates, affinity, topology spread."""

from collections.abc import Mapping, Sequence

from strongroom.machinery import label_selector, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
OPERATORS = ("Equal", "Exists")
_VALUES = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False, "Gt": True, "Lt": True}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
INCLUSION = ("Honor", "Ignore")
_NO_OPERATOR = "not a valid selector operator"
_NO_SELECTOR = "must not be specified when labelSelector is not set"
_NOT_POSITIVE = "must be greater than zero"
UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")


def validate_affinity(affinity: Object) -> list[FieldError]:
    errors = _node_affinity(affinity.get("nodeAffinity") or {}, "spec.affinity.nodeAffinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        errors += _pod_affinity(affinity.get(kind) or {}, f"spec.affinity.{kind}")
    return errors


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


def validate_gates(gates: Sequence[Object]) -> list[FieldError]:
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
            errors += _term(term, f"{at}[{index}]", any_value=False)
    for index, preferred in enumerate(affinity.get(_PREFERRED) or ()):
        at = f"{path}.{_PREFERRED}[{index}]"
        errors += _weight(preferred, at)
        errors += _term(preferred.get("preference") or {}, f"{at}.preference", any_value=True)
    return errors


def _term(term: Object, path: str, *, any_value: bool) -> list[FieldError]:
    """`any_value`: what no label can be may be asked for, as preferences may."""
    errors = [
        error
        for index, expression in enumerate(term.get("matchExpressions") or ())
        for error in _expression(expression, f"{path}.matchExpressions[{index}]", any_value=any_value)
    ]
    for index, requirement in enumerate(term.get("matchFields") or ()):
        errors += _field(requirement, f"{path}.matchFields[{index}]")
    return errors


def _expression(expression: Object, path: str, *, any_value: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    operator, values = expression.get("operator", ""), expression.get("values") or ()
    takes_values = _VALUES.get(operator)
    if takes_values is None:
        errors.append(validation.invalid_value(f"{path}.operator", operator, _NO_OPERATOR))
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
    errors += [validation.invalid_value(f"{path}.key", key, m) for m in names.qualified_name(key)]
    for index, value in enumerate(() if any_value else values):
        messages = names.label_value(value)
        errors += [validation.invalid_value(f"{path}.values[{index}]", value, m) for m in messages]
    return errors


def _field(requirement: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    operator, values = requirement.get("operator", ""), requirement.get("values") or ()
    if operator not in ("In", "NotIn"):
        errors.append(validation.invalid_value(f"{path}.operator", operator, _NO_OPERATOR))
    elif len(values) != 1:
        text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        errors.append(validation.required(f"{path}.values", text))
    key = requirement.get("key", "")
    if key != "metadata.name":
        errors.append(validation.invalid_value(f"{path}.key", key, "not a valid field selector key"))
        return errors
    for index, value in enumerate(values):
        messages = names.dns1123_subdomain(value)
        errors += [validation.invalid_value(f"{path}.values[{index}]", value, m) for m in messages]
    return errors


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
    errors: list[FieldError] = []
    for field in ("labelSelector", "namespaceSelector"):
        if (selector := term.get(field)) is not None:
            errors += label_selector.validate(selector, f"{path}.{field}")
    for name in term.get("namespaces") or ():
        # Upstream's path is not the field's.
        messages = names.dns1123_label(name)
        errors += [validation.invalid_value(f"{path}.namespace", name, m) for m in messages]
    errors += _label_keys(term, path)
    key = term.get("topologyKey", "")
    if not key:
        errors.append(validation.required(f"{path}.topologyKey", "can not be empty"))
    return errors + [
        validation.invalid_value(f"{path}.topologyKey", key, m) for m in names.qualified_name(key)
    ]


def _label_keys(term: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = term.get(field) or ()
        if keys and term.get("labelSelector") is None:
            errors.append(validation.forbidden(f"{path}.{field}", _NO_SELECTOR))
            continue
        for index, key in enumerate(keys):
            messages = names.qualified_name(key)
            errors += [validation.invalid_value(f"{path}.{field}[{index}]", key, m) for m in messages]
    errors += _chosen_twice(term, path)
    others = set(term.get("mismatchLabelKeys") or ())
    for index, key in enumerate(term.get("matchLabelKeys") or ()):
        if key in others:
            text = "exists in both matchLabelKeys and mismatchLabelKeys"
            errors.append(validation.invalid_value(f"{path}.matchLabelKeys[{index}]", key, text))
    return errors


def _chosen_twice(term: Object, path: str) -> list[FieldError]:
    """Keys that the selector names by itself. Those of `matchLabelKeys` are part of it by now, once each."""
    selector = term.get("labelSelector") or {}
    indices = {key: index for index, key in enumerate(term.get("matchLabelKeys") or ())}
    seen = set(selector.get("matchLabels") or ())
    errors: list[FieldError] = []
    for expression in selector.get("matchExpressions") or ():
        key = expression.get("key", "")
        if key in indices and key in seen:
            text = "exists in both matchLabelKeys and labelSelector"
            errors.append(validation.invalid_value(f"{path}[{indices[key]}]", key, text))  # upstream's path
        seen.add(key)
    return errors


def validate_spread(constraints: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    pairs = [(each.get("topologyKey", ""), each.get("whenUnsatisfiable", "")) for each in constraints]
    for index, constraint in enumerate(constraints):
        path = f"spec.topologySpreadConstraints[{index}]"
        skew, (key, action) = constraint.get("maxSkew", 0), pairs[index]
        if skew <= 0:
            errors.append(validation.invalid_value(f"{path}.maxSkew", skew, _NOT_POSITIVE))
        if not key:
            errors.append(validation.required(f"{path}.topologyKey", "can not be empty"))
        if action not in UNSATISFIABLE:
            errors.append(validation.not_supported(f"{path}.whenUnsatisfiable", action, UNSATISFIABLE))
        if pairs[index] in pairs[index + 1 :]:
            at = f"{path}.{{topologyKey, whenUnsatisfiable}}"
            errors.append(validation.duplicate(at, f"{{{key}, {action}}}"))
        errors += _min_domains(constraint.get("minDomains"), action, f"{path}.minDomains")
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if (policy := constraint.get(field)) is not None and policy not in INCLUSION:
                errors.append(validation.not_supported(f"{path}.{field}", policy, INCLUSION))
        errors += _spread_keys(constraint, f"{path}.matchLabelKeys")
        if (selector := constraint.get("labelSelector")) is not None:
            errors += label_selector.validate(selector, f"{path}.labelSelector")
    return errors


def _min_domains(count: int | None, action: str, path: str) -> list[FieldError]:
    if count is None:
        return []
    errors: list[FieldError] = []
    if count <= 0:
        errors.append(validation.invalid_value(path, count, _NOT_POSITIVE))
    if action != "DoNotSchedule":
        text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        errors.append(validation.invalid_value(path, count, text))
    return errors


def _spread_keys(constraint: Object, path: str) -> list[FieldError]:
    keys, selector = constraint.get("matchLabelKeys") or (), constraint.get("labelSelector")
    if not keys:
        return []
    errors = [validation.forbidden(path, _NO_SELECTOR)] if selector is None else []
    chosen = set((selector or {}).get("matchLabels") or ())
    chosen |= {each.get("key") for each in (selector or {}).get("matchExpressions") or ()}
    for index, key in enumerate(keys):
        at = f"{path}[{index}]"
        errors += [validation.invalid_value(at, key, m) for m in names.qualified_name(key)]
        if key in chosen:
            text = "exists in both matchLabelKeys and labelSelector"
            errors.append(validation.invalid_value(at, key, text))
    return errors
