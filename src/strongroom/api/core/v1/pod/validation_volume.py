"""The rules of a Pod's volumes."""

from collections.abc import Sequence

from strongroom.api.core.v1.pod import validation_files, validation_foreign_volumes, validation_projected
from strongroom.machinery import names, quantity, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

INITIATOR_MAX = 64
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
_SHOWN = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
"""Where upstream's path of a second source is not its field."""


def validate_volumes(
    volumes: Sequence[Object], path: str, pod_name: str = ""
) -> tuple[dict[str, Object], list[FieldError]]:
    """The volumes that are valid, by name, and the broken rules of the others.

    `pod_name`: of a Pod whose name is known; claims are named after it."""
    errors: list[FieldError] = []
    valid: dict[str, Object] = {}
    claims = {
        f"{pod_name}-{volume.get('name', '')}"
        for volume in volumes
        if pod_name and volume.get("ephemeral") is not None
    }
    for index, volume in enumerate(volumes):
        at = f"{path}[{index}]"
        name = volume.get("name", "")
        found = _validate_source(volume, at, pod_name)
        if not name:
            found.append(validation.required(f"{at}.name"))
        else:
            found += [validation.invalid_value(f"{at}.name", name, m) for m in names.dns1123_label(name)]
        if name in valid:
            found.append(validation.duplicate(f"{at}.name", name))
        if not found:
            valid[name] = volume
        errors += found
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim in claims:
            text = "must not reference a PVC that gets created for an ephemeral volume"
            errors.append(validation.invalid_value(f"{at}.persistentVolumeClaim.claimName", claim, text))
    return valid, errors


def _validate_source(volume: Object, path: str, pod_name: str) -> list[FieldError]:
    errors: list[FieldError] = []
    kinds = [kind for kind in SOURCES if volume.get(kind) is not None]
    if not kinds:
        return [validation.required(path, "must specify a volume type")]
    source, at = volume[kinds[0]], f"{path}.{kinds[0]}"
    match kinds[0]:
        case "secret":
            errors += validation_files.named(source, at, "secretName")
        case "configMap":
            errors += validation_files.named(source, at, "name")
        case "downwardAPI":
            errors += validation_files.mode(source, f"{at}.defaultMode", "defaultMode")
            for item in source.get("items") or ():
                errors += validation_files.downward(item, at)
        case "projected":
            errors += validation_projected.validate(source, at)
        case "hostPath":
            errors += _host_path(source, at)
        case "emptyDir":
            if "sizeLimit" in source and quantity.of(source["sizeLimit"]) < quantity.ZERO:
                text = "SizeLimit field must be a valid resource quantity"
                errors.append(validation.forbidden(f"{at}.sizeLimit", text))
        case "image":
            errors += _image(source, at)
        case kind:
            errors += validation_foreign_volumes.validate(kind, source, path)
            errors += _names(volume, kind, path, pod_name)
    for kind in kinds[1:]:
        text = "may not specify more than 1 volume type"
        errors.append(validation.forbidden(f"{path}.{_SHOWN.get(kind, kind)}", text))
    return errors


def _names(volume: Object, kind: str, path: str, pod_name: str) -> list[FieldError]:
    """What a volume's name becomes part of."""
    name, source = volume.get("name", ""), volume[kind]
    whole = f"{name}:{source.get('targetPortal', '')}"
    named = kind == "iscsi" and source.get("initiatorName") is not None
    if named and names.size(whole) > INITIATOR_MAX:
        text = (
            f"Total length of <volume name>:<iscsi.targetPortal> must be under {INITIATOR_MAX} characters"
            " if iscsi.initiatorName is specified."
        )
        return [validation.invalid_value(f"{path}.name", name, text)]
    if kind == "ephemeral" and pod_name and name:
        claim = f"{pod_name}-{name}"
        return [
            validation.invalid_value(f"{path}.name", name, f"PVC name {validation.go_quote(claim)}: {m}")
            for m in names.dns1123_subdomain(claim)
        ]
    return []


def _image(source: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if not source.get("reference"):
        errors.append(validation.required(f"{path}.reference"))
    if (policy := source.get("pullPolicy", "")) not in PULL_POLICIES:
        errors.append(validation.not_supported(f"{path}.pullPolicy", policy, PULL_POLICIES))
    return errors


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
