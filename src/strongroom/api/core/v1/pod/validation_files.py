"""The rules of files in a volume: their paths, modes, and what fills them."""

from strongroom.api.core.v1.pod import validation_env
from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

MODE_MAX = 0o777
MODE_TEXT = "must be a number between 0 and 0777 (octal), both inclusive"


def mode(holder: Object, path: str, field: str) -> list[FieldError]:
    value = holder.get(field)
    if value is None or 0 <= value <= MODE_MAX:
        return []
    return [validation.invalid_value(path, value, MODE_TEXT)]


def named(source: Object, path: str, name_field: str) -> list[FieldError]:
    """The keys of one Secret or ConfigMap."""
    errors: list[FieldError] = []
    if not source.get(name_field):
        errors.append(validation.required(f"{path}.{name_field}"))
    errors += mode(source, f"{path}.defaultMode", "defaultMode")
    for index, item in enumerate(source.get("items") or ()):
        errors += key_to_path(item, f"{path}.items[{index}]")
    return errors


def key_to_path(item: Object, path: str) -> list[FieldError]:
    errors = [validation.required(f"{path}.{field}") for field in ("key", "path") if not item.get(field)]
    errors += local_path(item.get("path", ""), f"{path}.path")
    return errors + mode(item, f"{path}.mode", "mode")


def local_path(value: str, path: str) -> list[FieldError]:
    """A file's path in the volume: below it, and not a name that the volume's own layout uses."""
    messages = names.relative_path(value)
    if value.startswith("..") and not value.startswith("../"):
        messages = [*messages, "must not start with '..'"]
    return [validation.invalid_value(path, value, message) for message in messages]


def downward(item: Object, path: str) -> list[FieldError]:
    """A field of the Pod as a file. `path` is that of the source: upstream does not tell which item."""
    errors: list[FieldError] = []
    if not item.get("path"):
        errors.append(validation.required(f"{path}.path"))
    errors += local_path(item.get("path", ""), f"{path}.path")
    field, amount = item.get("fieldRef"), item.get("resourceFieldRef")
    if field is not None:
        errors += validation_env.validate_field_reference(
            field, validation_env.VOLUME_FIELDS, f"{path}.fieldRef"
        )
        if amount is not None:
            detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
            errors.append(validation.invalid_value(path, "resource", detail))
    elif amount is not None:
        errors += validation_env.validate_resource_reference(
            amount, f"{path}.resourceFieldRef", container_required=True
        )
    else:
        errors.append(validation.required(path, "one of fieldRef and resourceFieldRef is required"))
    return errors + mode(item, f"{path}.mode", "mode")
