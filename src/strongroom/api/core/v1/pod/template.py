"""Pod templates: what a workload makes its Pods of (`ValidatePodTemplateSpec`)."""

from collections.abc import Sequence

from strongroom.api.core.v1.pod import (
    app_armor,
    containers,
    conversion,
    defaults,
    validation,
    validation_annotations,
)
from strongroom.api.core.v1.pod import warnings as pod_warnings
from strongroom.machinery import meta
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.validation import FieldError, forbidden


def convert(template: Object, resource: Resource) -> None:
    """What decoding does, in place. `resource` is that of the object around it. Raises StatusError 400."""
    if spec := template.get("spec"):
        conversion.convert_spec(spec, resource)
        conversion.drop_disabled(spec)


def default(template: Object) -> None:
    """Fills in what is missing, in place. A Pod made of it gets some more defaults."""
    defaults.apply_to_spec(template.setdefault("spec", {}))


def validate(template: Object, path: str) -> list[FieldError]:
    """All broken rules of a template with its defaults."""
    metadata, spec = template.get("metadata") or {}, template["spec"]
    errors = meta.validate_labels(metadata.get("labels") or {}, f"{path}.labels")
    annotations = metadata.get("annotations") or {}
    errors += meta.validate_annotations(annotations, f"{path}.annotations")
    errors += validation_annotations.validate(annotations, spec, f"{path}.annotations")
    errors += [
        FieldError(error.reason, f"{path}.{error.field}", error.body)
        for error in validation.validate_spec(spec, is_pod=False)
    ]
    if containers.of(spec, "ephemeralContainers"):
        text = "ephemeral containers not allowed in pod template"
        errors.append(forbidden(f"{path}.spec.ephemeralContainers", text))
    return errors + [
        FieldError(error.reason, f"{path}.{error.field}", error.body)
        for error in validation_annotations.validate_app_armor(annotations, spec)
    ]


def warnings(template: Object, path: str) -> Sequence[str]:
    """Texts for `Warning` headers."""
    return [*app_armor.template_warnings(template, path), *pod_warnings.warnings(template, path)]
