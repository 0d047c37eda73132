"""The rules of a container's environment, and of references to fields of the Pod."""

from collections.abc import Sequence

from strongroom.api.core.v1.pod import containers
from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

ENV_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
VOLUME_FIELDS = (
    "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"
)  # fmt: skip
RESOURCES = (
    "limits.cpu", "limits.ephemeral-storage", "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory",
)  # fmt: skip
# Fields that a reference may name at all; which of them depends on where it stands.
_KNOWN = frozenset((*ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy", "spec.schedulerName", "status.phase"))
_CPU_DIVISORS = ("1m", "1")
_SIZE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_HUGE_PAGES = ("requests.hugepages-", "limits.hugepages-")
_SHOWN = {"ephemeral-storage": "local ephemeral storage"}
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")


def validate_env(variables: Sequence[Object], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, variable in enumerate(variables):
        at, name = f"{path}[{index}]", variable.get("name", "")
        if not name:
            errors.append(validation.required(f"{at}.name"))
        else:
            errors += [validation.invalid_value(f"{at}.name", name, m) for m in names.env_var_name(name)]
        if (source := variable.get("valueFrom")) is not None:
            errors += _validate_source(source, bool(variable.get("value")), f"{at}.valueFrom")
    return errors


def _validate_source(source: Object, has_value: bool, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    given = [kind for kind in (*_SOURCES, "fileKeyRef") if source.get(kind) is not None]
    if "fieldRef" in given:
        errors += validate_field_reference(source["fieldRef"], ENV_FIELDS, f"{path}.fieldRef")
    if "resourceFieldRef" in given:
        errors += validate_resource_reference(source["resourceFieldRef"], f"{path}.resourceFieldRef")
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if kind in given:
            errors += _validate_key(source[kind], f"{path}.{kind}")
    if "fileKeyRef" in given:
        errors += _validate_file_key(source["fileKeyRef"], f"{path}.fileKeyRef")
    if not given:
        detail = (
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or "
            "`fileKeyRef`"
        )
    elif has_value:
        detail = "may not be specified when `value` is not empty"
    elif len(given) > 1:
        detail = "may not have more than one field specified at a time"
    else:
        return errors
    return [*errors, validation.invalid_value(path, "", detail)]


def _validate_key(reference: Object, path: str) -> list[FieldError]:
    name, key = reference.get("name", ""), reference.get("key", "")
    errors = [validation.invalid_value(f"{path}.name", name, m) for m in names.dns1123_subdomain(name)]
    if not key:
        return [*errors, validation.required(f"{path}.key")]
    return errors + [validation.invalid_value(f"{path}.key", key, m) for m in names.config_map_key(key)]


def _validate_file_key(reference: Object, path: str) -> list[FieldError]:
    """A variable from a file that a container before this one wrote (KEP-3721)."""
    errors: list[FieldError] = []
    for field, rule in (("key", names.env_var_name), ("volumeName", names.dns1123_label), ("path", _no_up)):
        value = reference.get(field, "")
        if not value:
            errors.append(validation.required(f"{path}.{field}"))
        else:
            errors += [validation.invalid_value(f"{path}.{field}", value, m) for m in rule(value)]
    return errors


def _no_up(path: str) -> list[str]:
    return ["must not contain '..'"] if ".." in path.split("/") else []


def validate_file_key_volumes(spec: Object) -> list[FieldError]:
    """Files with variables stand in a directory of the Pod's own."""
    volumes = {volume.get("name", ""): volume for volume in containers.volumes(spec)}
    errors: list[FieldError] = []
    for path, container in containers.visited(spec):
        for index, variable in enumerate(container.get("env") or ()):
            reference = (variable.get("valueFrom") or {}).get("fileKeyRef")
            if reference is None:
                continue
            name = reference.get("volumeName", "")
            at = f"{path}.env[{index}].valueFrom.fileKeyRef.volumeName"
            if name not in volumes:
                errors.append(validation.not_found(at, name))
            elif volumes[name].get("emptyDir") is None:
                text = "referenced volume must be of type emptyDir"
                errors.append(validation.invalid_value(at, name, text))
    return errors


def validate_field_reference(reference: Object, supported: Sequence[str], path: str) -> list[FieldError]:
    """A `fieldRef`; `supported` are the paths without a subscript."""
    field = reference.get("fieldPath", "")
    if not reference.get("apiVersion"):
        return [validation.required(f"{path}.apiVersion")]
    if not field:
        return [validation.required(f"{path}.fieldPath")]
    base, subscripted, key = field.partition("['")
    if not base or not key.endswith("']"):
        base, subscripted = field, ""
    if reference["apiVersion"] != "v1":
        detail = f"unsupported pod version: {reference['apiVersion']}"
    elif subscripted and base not in ("metadata.annotations", "metadata.labels"):
        detail = f"field label does not support subscript: {field}"
    elif base not in _KNOWN:
        detail = f"field label not supported: {base}"
    else:
        detail = ""
    if detail:
        detail = f"error converting fieldPath: {detail}"
        return [validation.invalid_value(f"{path}.fieldPath", field, detail)]
    if subscripted:
        key = key[:-2]
        key = key.lower() if base == "metadata.annotations" else key
        return [validation.invalid_value(path, key, m) for m in names.qualified_name(key)]
    if field not in supported:
        return [validation.not_supported(f"{path}.fieldPath", field, supported)]
    return []


def validate_resource_reference(
    reference: Object, path: str, *, container_required: bool = False
) -> list[FieldError]:
    """A `resourceFieldRef`; a volume's must name the container."""
    errors: list[FieldError] = []
    resource = reference.get("resource", "")
    if container_required and not reference.get("containerName"):
        errors.append(validation.required(f"{path}.containerName"))
    elif not resource:
        errors.append(validation.required(f"{path}.resource"))
    elif resource not in RESOURCES and not resource.startswith(_HUGE_PAGES):
        errors.append(validation.not_supported(f"{path}.resource", resource, RESOURCES))
    divisor = reference.get("divisor", "0")
    kind = resource.partition(".")[2]
    allowed = _CPU_DIVISORS if kind == "cpu" else _SIZE_DIVISORS
    is_known = resource in RESOURCES or resource.startswith(_HUGE_PAGES)
    if is_known and divisor != "0" and divisor not in allowed:
        label = "hugepages" if kind.startswith("hugepages-") else _SHOWN.get(kind, kind)
        shown = "1m and 1" if kind == "cpu" else ", ".join(allowed)
        detail = f"only divisor's values {shown} are supported with the {label} resource"
        errors.append(validation.invalid_value(f"{path}.divisor", resource, detail))
    return errors


def validate_env_from(sources: Sequence[Object], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, source in enumerate(sources):
        at = f"{path}[{index}]"
        if prefix := source.get("prefix"):
            errors += [
                validation.invalid_value(f"{at}.prefix", prefix, m) for m in names.env_var_name(prefix)
            ]
        given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        for kind in given:
            name = source[kind].get("name", "")
            if not name:
                errors.append(validation.required(f"{at}.{kind}.name"))
            else:
                messages = names.dns1123_subdomain(name, prefix=True)
                errors += [validation.invalid_value(f"{at}.{kind}.name", name, m) for m in messages]
        if not given:
            detail = "must specify one of: `configMapRef` or `secretRef`"
            errors.append(validation.invalid_value(path, "", detail))
        elif len(given) > 1:
            detail = "may not have more than one field specified at a time"
            errors.append(validation.invalid_value(path, "", detail))
    return errors
