"""The rules of a Pod's volumes."""

from collections.abc import Mapping, Sequence
from typing import Any

from strongroom.api.core.v1.pod import validation_env
from strongroom.machinery import names, quantity, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

MODE_MAX = 0o777
MODE_TEXT = "must be a number between 0 and 0777 (octal), both inclusive"
TOKEN_SECONDS_MIN, TOKEN_SECONDS_MAX = 600, 2**32
HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"
)  # fmt: skip
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
# In the order in which upstream looks at them: the first one counts.
SOURCES = (
    "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi",
    "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI",
    "fc", "flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume",
    "azureDisk", "storageos", "projected", "scaleIO", "csi", "ephemeral", "image",
)  # fmt: skip
# What each of the types that no node here mounts must at least say.
_REQUIRED = {
    "gitRepo": ("repository",), "gcePersistentDisk": ("pdName",), "awsElasticBlockStore": ("volumeID",),
    "nfs": ("server", "path"), "iscsi": ("targetPortal", "iqn"), "glusterfs": ("endpoints", "path"),
    "persistentVolumeClaim": ("claimName",), "rbd": ("monitors", "image"), "cinder": ("volumeID",),
    "cephfs": ("monitors",), "flexVolume": ("driver",), "azureFile": ("secretName", "shareName"),
    "vsphereVolume": ("volumePath",), "photonPersistentDisk": ("pdID",), "portworxVolume": ("volumeID",),
    "azureDisk": ("diskName", "diskURI"), "csi": ("driver",), "ephemeral": ("volumeClaimTemplate",),
}  # fmt: skip


def validate_volumes(volumes: Sequence[Object], path: str) -> tuple[dict[str, Object], list[FieldError]]:
    """The volumes that are valid, by name, and the broken rules of the others."""
    errors: list[FieldError] = []
    valid: dict[str, Object] = {}
    for index, volume in enumerate(volumes):
        at = f"{path}[{index}]"
        name = volume.get("name", "")
        found = _validate_source(volume, at)
        if not name:
            found.append(validation.required(f"{at}.name"))
        else:
            found += [validation.invalid_value(f"{at}.name", name, m) for m in names.dns1123_label(name)]
        if name in valid:
            found.append(validation.duplicate(f"{at}.name", name))
        if not found:
            valid[name] = volume
        errors += found
    return valid, errors


def _validate_source(volume: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    kinds = [kind for kind in SOURCES if volume.get(kind) is not None]
    if not kinds:
        return [validation.required(path, "must specify a volume type")]
    source, at = volume[kinds[0]], f"{path}.{kinds[0]}"
    match kinds[0]:
        case "secret":
            errors += _named_files(source, at, "secretName")
        case "configMap":
            errors += _named_files(source, at, "name")
        case "downwardAPI":
            errors += _mode(source, f"{at}.defaultMode", "defaultMode")
            for item in source.get("items") or ():
                errors += _downward_file(item, at)
        case "projected":
            errors += _projected(source, at)
        case "hostPath":
            errors += _host_path(source, at)
        case "emptyDir":
            if "sizeLimit" in source and quantity.of(source["sizeLimit"]) < quantity.ZERO:
                errors.append(
                    validation.forbidden(
                        f"{at}.sizeLimit", "SizeLimit field must be a valid resource quantity"
                    )
                )
        case "image":
            if not source.get("reference"):
                errors.append(validation.required(f"{at}.reference"))
            if (policy := source.get("pullPolicy", "")) not in PULL_POLICIES:
                errors.append(validation.not_supported(f"{at}.pullPolicy", policy, PULL_POLICIES))
        case kind:
            errors += [
                validation.required(f"{at}.{field}")
                for field in _REQUIRED.get(kind, ())
                if not source.get(field)
            ]
            if kind == "nfs" and not source.get("path", "").startswith("/"):
                text = "must be an absolute path"
                errors.append(validation.invalid_value(f"{at}.path", source.get("path", ""), text))
    for kind in kinds[1:]:
        errors.append(validation.forbidden(f"{path}.{kind}", "may not specify more than 1 volume type"))
    return errors


def _mode(holder: Object, path: str, field: str) -> list[FieldError]:
    mode = holder.get(field)
    if mode is None or 0 <= mode <= MODE_MAX:
        return []
    return [validation.invalid_value(path, mode, MODE_TEXT)]


def _named_files(source: Object, path: str, name_field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if not source.get(name_field):
        errors.append(validation.required(f"{path}.{name_field}"))
    errors += _mode(source, f"{path}.defaultMode", "defaultMode")
    for index, item in enumerate(source.get("items") or ()):
        errors += _key_to_path(item, f"{path}.items[{index}]")
    return errors


def _key_to_path(item: Object, path: str) -> list[FieldError]:
    errors = [validation.required(f"{path}.{field}") for field in ("key", "path") if not item.get(field)]
    errors += _local_path(item.get("path", ""), f"{path}.path")
    return errors + _mode(item, f"{path}.mode", "mode")


def _local_path(value: str, path: str) -> list[FieldError]:
    """A file's path in the volume: below it, and not a name that the volume's own layout uses."""
    messages = names.relative_path(value)
    if value.startswith("..") and not value.startswith("../"):
        messages = [*messages, "must not start with '..'"]
    return [validation.invalid_value(path, value, message) for message in messages]


def _downward_file(item: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if not item.get("path"):
        errors.append(validation.required(f"{path}.path"))
    errors += _local_path(item.get("path", ""), f"{path}.path")
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
    return errors + _mode(item, f"{path}.mode", "mode")


def _host_path(source: Object, path: str) -> list[FieldError]:
    value, kind = source.get("path", ""), source.get("type") or ""
    if not value:
        return [validation.required(f"{path}.path")]
    errors: list[FieldError] = []
    if ".." in value.split("/"):
        errors.append(validation.invalid_value(f"{path}.path", value, "must not contain '..'"))
    if kind not in HOST_PATH_TYPES:
        errors.append(validation.not_supported(f"{path}.type", kind, HOST_PATH_TYPES))
    return errors


def _projected(source: Object, path: str) -> list[FieldError]:
    errors = _mode(source, f"{path}.defaultMode", "defaultMode")
    taken: set[str] = set()
    for index, item in enumerate(source.get("sources") or ()):
        at = f"{path}.sources[{index}]"
        kinds = [kind for kind, value in item.items() if value is not None]
        for kind in ("secret", "configMap"):
            if kind in kinds:
                errors += _projected_names(item[kind], f"{at}.{kind}", path, taken)
        if "downwardAPI" in kinds:
            for file in item["downwardAPI"].get("items") or ():
                errors += _downward_file(file, f"{at}.downwardAPI")
                errors += _claim(file.get("path", ""), file.get("path", ""), path, taken)
        if "serviceAccountToken" in kinds:
            errors += _token(item["serviceAccountToken"], f"{at}.serviceAccountToken", path)
        if "clusterTrustBundle" in kinds:
            bundle = item["clusterTrustBundle"]
            if not bundle.get("path"):
                errors.append(validation.required(f"{at}.clusterTrustBundle.path"))
            errors += _claim(bundle.get("path", ""), bundle.get("path", ""), path, taken)
        if len(kinds) > 1:
            errors.append(validation.forbidden(at, "may not specify more than 1 volume type per source"))
    return errors


def _claim(file: str, shown: str, path: str, taken: set[str]) -> list[FieldError]:
    if not file:
        return []
    if file in taken:
        return [validation.invalid_value(path, shown, "conflicting duplicate paths")]
    taken.add(file)
    return []


def _projected_names(source: Object, path: str, whole: str, taken: set[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    name = source.get("name", "")
    if not name:
        errors.append(validation.required(f"{path}.name"))
    for index, item in enumerate(source.get("items") or ()):
        errors += _key_to_path(item, f"{path}.items[{index}]")
        errors += _claim(item.get("path", ""), name, whole, taken)
    return errors


def _token(source: Mapping[str, Any], path: str, whole: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seconds = source.get("expirationSeconds", 0)
    if seconds < TOKEN_SECONDS_MIN:
        detail = "may not specify a duration less than 10 minutes"
        errors.append(validation.invalid_value(f"{path}.expirationSeconds", seconds, detail))
    if seconds > TOKEN_SECONDS_MAX:
        detail = "may not specify a duration larger than 2^32 seconds"
        errors.append(validation.invalid_value(f"{path}.expirationSeconds", seconds, detail))
    if not source.get("path"):
        errors.append(validation.required(f"{whole}.path"))
    return errors + _local_path(source.get("path", ""), f"{whole}.path")
