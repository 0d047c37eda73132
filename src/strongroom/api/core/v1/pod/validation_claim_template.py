"""The rules of a volume that brings its own claim (`ephemeral.volumeClaimTemplate`).

Source: `ValidatePersistentVolumeClaimTemplate` of Kubernetes 1.36.
"""

from strongroom.api.core.v1 import resource_names
from strongroom.machinery import label_selector, meta, names, quantity, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
_ALONE = "ReadWriteOncePod"
_META = ("annotations", "labels")


def validate(template: Object, path: str) -> list[FieldError]:
    metadata = template.get("metadata") or {}
    errors = meta.validate_annotations(metadata.get("annotations") or {}, f"{path}.metadata.annotations")
    errors += meta.validate_labels(metadata.get("labels") or {}, f"{path}.metadata.labels")
    errors += [
        validation.forbidden(f"{path}.metadata.{field[:1].lower()}{field[1:]}", "cannot be set")
        for field, value in metadata.items()
        if field not in _META and value
    ]
    return errors + _spec(template.get("spec") or {}, f"{path}.spec")


def _spec(spec: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    modes = spec.get("accessModes") or ()
    if not modes:
        errors.append(validation.required(f"{path}.accessModes", "at least 1 access mode is required"))
    if (selector := spec.get("selector")) is not None:
        errors += label_selector.validate(selector, f"{path}.selector")
    errors += [
        validation.not_supported(f"{path}.accessModes", mode, ACCESS_MODES)
        for mode in modes
        if mode not in ACCESS_MODES
    ]
    if _ALONE in modes and any(mode in ACCESS_MODES and mode != _ALONE for mode in modes):
        text = f"may not use {_ALONE} with other access modes"
        errors.append(validation.forbidden(f"{path}.accessModes", text))
    errors += _storage(spec, f"{path}.resources[storage]")
    errors += _class_name(spec, path, "storageClassName")
    if (mode := spec.get("volumeMode")) is not None and mode not in VOLUME_MODES:
        errors.append(validation.not_supported(f"{path}.volumeMode", mode, VOLUME_MODES))
    errors += _data_sources(spec, path)
    return errors + _class_name(spec, path, "volumeAttributesClassName")


def _storage(spec: Object, path: str) -> list[FieldError]:
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if asked is None:
        return [validation.required(path)]
    if quantity.of(asked) <= quantity.ZERO:
        return [validation.invalid_value(path, asked, "must be greater than zero")]
    return resource_names.validate_amount("storage", asked, path)


def _class_name(spec: Object, path: str, field: str) -> list[FieldError]:
    if not (name := spec.get(field)):
        return []
    return [validation.invalid_value(f"{path}.{field}", name, m) for m in names.dns1123_subdomain(name)]


def _data_sources(spec: Object, path: str) -> list[FieldError]:
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    errors: list[FieldError] = []
    if source is not None:
        errors += _data_source(source, f"{path}.dataSource")
    if reference is not None:
        errors += _data_source(reference, f"{path}.dataSourceRef")
        if namespace := reference.get("namespace"):
            at = f"{path}.dataSourceRef.namespace"
            errors += [validation.invalid_value(at, namespace, m) for m in names.dns1123_label(namespace)]
    if source is None or reference is None:
        return errors
    if reference.get("namespace"):
        text = "may not be specified when dataSourceRef.namespace is specified"
    elif any(source.get(field) != reference.get(field) for field in ("apiGroup", "kind", "name")):
        text = "must match dataSourceRef"
    else:
        return errors
    return [*errors, validation.invalid_value(path, {}, text)]  # what a path of Go's looks like


def _data_source(source: Object, path: str) -> list[FieldError]:
    errors = [validation.required(f"{path}.{field}") for field in ("name", "kind") if not source.get(field)]
    group, kind = source.get("apiGroup") or "", source.get("kind", "")
    if not group and kind != "PersistentVolumeClaim":
        text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        errors.append(validation.invalid_value(path, kind, text))
    if group:
        at = f"{path}.apiGroup"
        errors += [validation.invalid_value(at, group, m) for m in names.dns1123_subdomain(group)]
    return errors
