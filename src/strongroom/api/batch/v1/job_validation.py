"""The rules of a Job's spec (`ValidateJob`), and what of it may change."""

from typing import Final

from strongroom.api.batch.v1 import job_policies
from strongroom.api.core.v1.pod import internal_types, template
from strongroom.machinery import label_selector, names, selectors, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

INDEXED, NON_INDEXED = "Indexed", "NonIndexed"
UID_LABELS: Final = ("batch.kubernetes.io/controller-uid", "controller-uid")
NAME_LABELS: Final = ("batch.kubernetes.io/job-name", "job-name")
MANAGER: Final = "kubernetes.io/job-controller"
MOST_INDEXED: Final = 100_000
NOT_SERVED: Final = ("backoffLimitPerIndex", "maxFailedIndexes")
"""What the controller here does not know: refused, so that nobody counts on it."""
_COUNTS: Final = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
)
_FIXED: Final = ("completionMode", "podFailurePolicy", "successPolicy", "managedBy")
_REPLACEMENTS: Final = ("Failed", "TerminatingOrFailed")
_OPEN_WHILE_SUSPENDED: Final = ("nodeSelector", "tolerations", "affinity", "schedulingGates")
"""Fields of the Pods that others, such as a queue, may set before a Job begins."""


def validate(job: Object) -> list[FieldError]:
    """All broken rules of a Job with its defaults and its selector."""
    spec = job["spec"]
    errors = _generated(job) + validate_spec(spec, "spec")
    selector = spec.get("selector")
    if selector is None:
        errors.append(validation.required("spec.selector"))
    else:
        errors += label_selector.validate(selector, "spec.selector")
    if selector is None or not _selects(selector, spec["template"]):
        labels = (spec["template"].get("metadata") or {}).get("labels")
        shown = dict(sorted(labels.items())) if labels else None
        text = "`selector` does not match template `labels`"
        errors.append(validation.invalid_value("spec.template.metadata.labels", shown, text))
    if spec["completionMode"] == INDEXED and spec.get("completions"):
        hostname = f"{job['metadata'].get('name', '')}-{spec['completions'] - 1}"
        if names.dns1123_label(hostname):
            text = f"will not able to create pod with invalid DNS label: {hostname}"
            errors.append(validation.invalid_value("metadata.name", job["metadata"].get("name", ""), text))
    return errors


def validate_spec(spec: Object, path: str) -> list[FieldError]:
    """The rules that a template of Jobs obeys as well."""
    errors: list[FieldError] = []
    for field in _COUNTS:
        value = spec.get(field)
        if value is not None and value < 0:
            text = "must be greater than or equal to 0"
            errors.append(validation.invalid_value(f"{path}.{field}", value, text))
    for field in NOT_SERVED:
        if spec.get(field) is not None:
            errors.append(validation.forbidden(f"{path}.{field}", "not supported by this server"))
    errors += _managed_by(spec.get("managedBy"), f"{path}.managedBy") + _mode(spec, path)
    policy = spec["podReplacementPolicy"]
    if policy not in _REPLACEMENTS:
        errors.append(validation.not_supported(f"{path}.podReplacementPolicy", policy, _REPLACEMENTS))
    errors += job_policies.validate_failure(spec, path) + job_policies.validate_success(spec, path)
    errors += template.validate(spec["template"], f"{path}.template")
    restart, where = spec["template"]["spec"].get("restartPolicy"), f"{path}.template.spec.restartPolicy"
    if restart == "Always":
        errors.append(validation.required(where, 'valid values: "OnFailure", "Never"'))
    elif restart not in ("OnFailure", "Never"):
        errors.append(validation.not_supported(where, restart, ("OnFailure", "Never")))
    return errors


def validate_update(new: Object, old: Object) -> list[FieldError]:
    errors = validate(new)
    spec, before = new["spec"], old["spec"]
    if spec.get("completions") != before.get("completions") and not _is_elastic(spec, before):
        errors.append(_immutable("spec.completions", spec.get("completions")))
    if spec.get("selector") != before.get("selector"):
        errors.append(_immutable("spec.selector", spec.get("selector")))
    errors += _validate_template_update(spec["template"], old)
    for field in _FIXED:
        if spec.get(field) != before.get(field):
            errors.append(_immutable(f"spec.{field}", spec.get(field)))
    return errors


def _validate_template_update(new: Object, old: Object) -> list[FieldError]:
    """What may change while the Job is suspended, such as by a queue: where its Pods go, if none has begun,
    and what their containers need."""
    present, suspended = old["spec"]["template"], old["spec"].get("suspend")
    wanted = new
    if suspended and not (old.get("status") or {}).get("startTime"):
        wanted, present = _without_placement(new), _without_placement(present)
    if suspended:
        if _without_resources(wanted["spec"]) == _without_resources(present["spec"]):
            return []
        return [_immutable("spec.template.spec", internal_types.shown("PodSpec", new["spec"]))]
    if wanted == present:
        return []
    shown = {**(new.get("metadata") or {}), "Spec": internal_types.shown("PodSpec", new["spec"])}
    return [_immutable("spec.template", shown)]


def _mode(spec: Object, path: str) -> list[FieldError]:
    mode = spec["completionMode"]
    if mode not in (NON_INDEXED, INDEXED):
        return [validation.not_supported(f"{path}.completionMode", mode, (NON_INDEXED, INDEXED))]
    if mode == NON_INDEXED:
        return []
    errors: list[FieldError] = []
    if spec.get("completions") is None:
        errors.append(validation.required(f"{path}.completions", f"when completion mode is {INDEXED}"))
    if spec["parallelism"] > MOST_INDEXED:
        text = f"must be less than or equal to {MOST_INDEXED} when completion mode is {INDEXED}"
        errors.append(validation.invalid_value(f"{path}.parallelism", spec["parallelism"], text))
    return errors


def _managed_by(value: str | None, path: str) -> list[FieldError]:
    if value is None:
        return []
    domain, slash, rest = value.partition("/")
    if not slash or not domain or not rest or names.dns1123_subdomain(domain):
        text = 'must be a domain-prefixed path (such as "acme.io/foo")'
        return [validation.invalid_value(path, value, text)]
    return [validation.too_long(path, 63)] if len(value) > 63 else []


def _generated(job: Object) -> list[FieldError]:
    """A selector that was made for the Job must be as it was made."""
    metadata, spec = job["metadata"], job["spec"]
    if spec.get("manualSelector") or spec.get("selector") is None:
        return []
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    wanted = dict.fromkeys(UID_LABELS, metadata["uid"]) | {
        key: metadata.get("name", "") for key in NAME_LABELS
    }
    errors: list[FieldError] = []
    for key, value in wanted.items():
        path = f"spec.template.metadata.labels[{key}]"
        if key not in labels:
            errors.append(validation.required(path, f"must be '{value}'"))
        elif labels[key] != value:
            shown = dict(sorted(labels.items()))
            errors.append(validation.invalid_value(path, shown, f"must be '{value}'"))
    if not _selects(spec["selector"], {"metadata": {"labels": wanted}}):
        text = "`selector` not auto-generated"
        errors.append(validation.invalid_value("spec.selector", spec["selector"], text))
    return errors


def _selects(selector: Object, pod: Object) -> bool:
    try:
        parsed = selectors.from_object(selector)
    except selectors.SelectorError:
        return True  # told by its own rules
    return parsed is not None and parsed.matches((pod.get("metadata") or {}).get("labels"))


def _is_elastic(spec: Object, before: Object) -> bool:
    """An indexed Job may grow and shrink, as both numbers in one."""
    is_indexed = spec["completionMode"] == before["completionMode"] == INDEXED
    return is_indexed and spec.get("completions") is not None and spec["completions"] == spec["parallelism"]


def _without_placement(pod: Object) -> Object:
    metadata = {k: v for k, v in (pod.get("metadata") or {}).items() if k not in ("labels", "annotations")}
    spec = {key: value for key, value in pod["spec"].items() if key not in _OPEN_WHILE_SUSPENDED}
    return {"metadata": metadata, "spec": spec}


def _without_resources(spec: Object) -> Object:
    left = dict(spec)
    for field in ("containers", "initContainers"):
        if field in spec:
            left[field] = [
                {key: value for key, value in each.items() if key != "resources"} for each in spec[field]
            ]
    return left


def _immutable(path: str, value: object) -> FieldError:
    return validation.invalid_value(path, value, "field is immutable")
