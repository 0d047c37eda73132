"""What Deployments and ReplicaSets have in common: a number of replicas, a selector, a Pod template."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from strongroom.api.core.v1.pod import template
from strongroom.api.strategy import Strategy, Subresource
from strongroom.machinery import duration, label_selector, names, selectors, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_TEMPLATE = "spec.template"
SCALE = Subresource("scale", "Scale", ("get", "patch", "update"), group="autoscaling", version="v1")


class WorkloadStrategy(Strategy):
    """The base of Deployment and ReplicaSet."""

    categories = ("all",)
    has_generation = True
    has_status = True
    own_rules_first = False
    """The kind's own rules come before those of selector and template."""
    spec_order: Sequence[str]
    """Fields of the spec in the order in which they are stored."""

    def convert(self, obj: Object) -> None:
        template.convert((obj.get("spec") or {}).get("template") or {}, self.resource)

    def default(self, obj: Object) -> None:
        spec = obj.pop("spec", None) or {}
        spec.setdefault("replicas", 1)
        template.default(spec.setdefault("template", {}))
        self.default_spec(spec)
        obj["spec"] = {field: spec[field] for field in self.spec_order if field in spec}
        if "status" in obj:
            obj["status"] = obj.pop("status")

    def default_spec(self, spec: Object) -> None:
        """Fills in the kind's own fields, in place."""

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        errors = non_negative(spec["replicas"], "spec.replicas")
        if self.own_rules_first:
            return errors + self.validate_spec(spec) + _selector(spec)
        return errors + _selector(spec) + self.validate_spec(spec)

    def validate_spec(self, spec: Object) -> list[FieldError]:
        """Broken rules of the kind's own fields."""
        return []

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.validate(new)
        selector = new["spec"].get("selector")
        if selector != old["spec"].get("selector"):
            errors.append(validation.invalid_value("spec.selector", selector, "field is immutable"))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> Sequence[str]:
        return [*name_warnings(obj, old), *template_warnings(obj, old)]


def name_warnings(obj: Object, old: Object | None) -> list[str]:
    """About the name of a new object whose Pods are called after it."""
    messages = names.dns1123_label(obj["metadata"].get("name", "")) if old is None else []
    if not messages:
        return []
    return [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising "
        f"behavior; a DNS label is recommended: [{' '.join(messages)}]"
    ]


def template_warnings(obj: Object, old: Object | None) -> Sequence[str]:
    """About a template that is new."""
    current = obj["spec"]["template"]
    if old is not None and old["spec"]["template"] == current:
        return ()
    return template.warnings(current, _TEMPLATE)


def non_negative(value: int | None, path: str) -> list[FieldError]:
    """Absent is fine."""
    if value is None or value >= 0:
        return []
    return [validation.invalid_value(path, value, "must be greater than or equal to 0")]


def _selector(spec: Object) -> list[FieldError]:
    """Rules of selector and template, which must fit."""
    path, selector = "spec.selector", spec.get("selector")
    errors: list[FieldError] = []
    if selector is None:
        errors.append(validation.required(path))
    else:
        errors += label_selector.validate(selector, path)
        if label_selector.is_empty(selector):
            text = "empty selector is invalid for deployment"  # upstream says so of ReplicaSets too
            errors.append(validation.invalid_value(path, selector, text))
    try:
        parsed = selectors.from_object(selector)
    except selectors.SelectorError:
        return [*errors, validation.invalid_value(path, selector, "invalid label selector")]
    return errors + _template(spec["template"], parsed)


def _template(pod: Object, selector: selectors.LabelSelector | None) -> list[FieldError]:
    errors: list[FieldError] = []
    labels = (pod.get("metadata") or {}).get("labels")
    if selector is None or not selector.matches(labels):
        text = "`selector` does not match template `labels`"
        errors.append(validation.invalid_value(f"{_TEMPLATE}.metadata.labels", labels, text))
    errors += template.validate(pod, _TEMPLATE)
    policy = pod["spec"].get("restartPolicy")
    if policy != "Always":
        errors.append(validation.not_supported(f"{_TEMPLATE}.spec.restartPolicy", policy, ("Always",)))
    if pod["spec"].get("activeDeadlineSeconds") is not None:
        text = "activeDeadlineSeconds in ReplicaSet is not Supported"
        errors.append(validation.forbidden(f"{_TEMPLATE}.spec.activeDeadlineSeconds", text))
    return errors


def validate_counts(
    status: Mapping[str, Any], of_all: Sequence[str], more: Sequence[str]
) -> list[FieldError]:
    """Of a status: no count is negative, and those `of_all` are not more than all replicas."""
    errors: list[FieldError] = []
    for field in ("replicas", *of_all, *more):
        errors += non_negative(status.get(field), f"status.{field}")
    count = {field: status.get(field) or 0 for field in ("replicas", "availableReplicas", *of_all)}
    for field in of_all:
        if count[field] > count["replicas"]:
            text = "cannot be greater than status.replicas"
            errors.append(validation.invalid_value(f"status.{field}", count[field], text))
    if count["availableReplicas"] > count["readyReplicas"]:
        text = "cannot be greater than readyReplicas"
        errors.append(validation.invalid_value("status.availableReplicas", count["availableReplicas"], text))
    return errors


def age(obj: Object, now: datetime) -> str:
    return duration.age(obj["metadata"].get("creationTimestamp"), now)


def wide_cells(obj: Object) -> list[str]:
    """Containers, Images, Selector."""
    spec = obj["spec"]
    listed = ((spec.get("template") or {}).get("spec") or {}).get("containers") or ()
    names_of, images = (",".join(c.get(field, "") for c in listed) for field in ("name", "image"))
    return [names_of, images, shown_selector(spec) or "<none>"]


def shown_selector(spec: Object) -> str:
    """The selector as a `labelSelector` parameter would have it."""
    try:
        return str(selectors.from_object(spec.get("selector")) or "")
    except selectors.SelectorError:
        return ""
