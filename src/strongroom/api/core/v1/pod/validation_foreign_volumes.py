"""The rules of the volume types that no node here mounts: what each must say, as Kubernetes wants it."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from strongroom.api.core.v1.pod import validation_claim_template
from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

NUMBER_MAX: Final = 255
DRIVER_MAX: Final = 63
TENANT_MAX: Final = 64
CACHING_MODES: Final = ("None", "ReadOnly", "ReadWrite")
DISK_KINDS: Final = ("Dedicated", "Managed", "Shared")
_MANAGED_URI: Final = (
    "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
)
_BLOB_URI: Final = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "gitRepo": ("repository",), "gcePersistentDisk": ("pdName",), "awsElasticBlockStore": ("volumeID",),
    "nfs": ("server", "path"), "iscsi": ("targetPortal", "iqn"), "glusterfs": ("endpoints", "path"),
    "persistentVolumeClaim": ("claimName",), "rbd": ("monitors", "image"), "cinder": ("volumeID",),
    "cephfs": ("monitors",), "flexVolume": ("driver",), "azureFile": ("secretName", "shareName"),
    "vsphereVolume": ("volumePath",), "photonPersistentDisk": ("pdID",), "portworxVolume": ("volumeID",),
    "azureDisk": ("diskName", "diskURI"), "scaleIO": ("gateway", "system", "volumeName"),
    "storageos": ("volumeName",), "csi": ("driver",), "ephemeral": ("volumeClaimTemplate",),
}  # fmt: skip
_SHOWN: Final = {"gcePersistentDisk": "persistentDisk"}
_INITIATORS: Final = {
    "iqn": re.compile(r"iqn\.[0-9]{4}-[0-9]{2}\.[0-9A-Za-z.-]+:[^,;*&$|\t\n\f\r ]+\Z"),
    "eui": re.compile(r"\Aeui.[0-9A-Za-z]{16}\Z"),
    "naa": re.compile(r"\Anaa.[0-9A-Za-z]{32}\Z"),
}
_HOST_PORT: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*):[^:\[\]]*")


def validate(kind: str, source: Object, path: str) -> list[FieldError]:
    """A source of the type `kind` of the volume at `path`."""
    at = f"{path}.{_SHOWN.get(kind, kind)}"
    errors = [
        validation.required(f"{at}.{field}") for field in _REQUIRED.get(kind, ()) if not source.get(field)
    ]
    rule = _RULES.get(kind)
    return errors if rule is None else errors + rule(source, at)


def _invalid(path: str, value: Any, messages: list[str]) -> list[FieldError]:
    return [validation.invalid_value(path, value, message) for message in messages]


def _directory(source: Object, path: str) -> list[FieldError]:
    value = source.get("directory", "")
    return _invalid(f"{path}.directory", value, names.relative_path(value))


def _partition(source: Object, path: str) -> list[FieldError]:
    number = source.get("partition", 0)
    if 0 <= number <= NUMBER_MAX:
        return []
    return _invalid(f"{path}.partition", number, [names.in_range(1, NUMBER_MAX)])  # upstream's text


def _nfs(source: Object, path: str) -> list[FieldError]:
    value = source.get("path", "")
    return [] if value.startswith("/") else _invalid(f"{path}.path", value, ["must be an absolute path"])


def _iscsi(source: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if name := source.get("iqn"):
        errors += _initiator(name, f"{path}.iqn")
    errors += _lun(source.get("lun", 0), path)
    chap = source.get("chapAuthDiscovery") or source.get("chapAuthSession")
    if chap and source.get("secretRef") is None:
        errors.append(validation.required(f"{path}.secretRef"))
    if (name := source.get("initiatorName")) is not None:
        errors += _initiator(name, f"{path}.initiatorname")
    return errors


def _initiator(name: str, path: str) -> list[FieldError]:
    form = _INITIATORS.get(name[:3])
    if form is None:
        return _invalid(path, name, ["must be valid format starting with iqn, eui, or naa"])
    return [] if form.search(name) else _invalid(path, name, ["must be valid format"])


def _lun(number: int, path: str) -> list[FieldError]:
    if 0 <= number <= NUMBER_MAX:
        return []
    return _invalid(f"{path}.lun", number, [names.in_range(0, NUMBER_MAX)])


def _fibre_channel(source: Object, path: str) -> list[FieldError]:
    wwns, wwids, at = source.get("targetWWNs"), source.get("wwids"), f"{path}.targetWWNs"
    errors: list[FieldError] = []
    if not wwns and not wwids:
        errors.append(validation.required(at, "must specify either targetWWNs or wwids, but not both"))
    if wwns and wwids:
        text = "targetWWNs and wwids can not be specified simultaneously"
        errors.append(validation.invalid_value(at, wwns, text))
    if not wwns:
        return errors
    if (lun := source.get("lun")) is None:
        return [*errors, validation.required(f"{path}.lun", "lun is required if targetWWNs is specified")]
    return errors + _lun(lun, path)


def _flocker(source: Object, path: str) -> list[FieldError]:
    name, uuid = source.get("datasetName", ""), source.get("datasetUUID", "")
    errors: list[FieldError] = []
    if not name and not uuid:
        errors.append(validation.required(path, "one of datasetName and datasetUUID is required"))
    if name and uuid:
        text = "datasetName and datasetUUID can not be specified simultaneously"
        errors.append(validation.invalid_value(path, "resource", text))
    if "/" in name:
        errors.append(validation.invalid_value(f"{path}.datasetName", name, "must not contain '/'"))
    return errors


def _quobyte(source: Object, path: str) -> list[FieldError]:
    registry, text = source.get("registry", ""), "must be a host:port pair or multiple pairs separated by "
    text += "commas"
    errors: list[FieldError] = []
    if not registry:
        errors.append(validation.required(f"{path}.registry", text))
    elif names.size(source.get("tenant", "")) > TENANT_MAX:
        detail = f"must be a UUID and may not exceed a length of {TENANT_MAX} characters"
        errors.append(validation.required(f"{path}.tenant", detail))
    else:
        for pair in registry.split(","):
            if not _HOST_PORT.fullmatch(pair):
                errors.append(validation.invalid_value(f"{path}.registry", registry, text))
    if not source.get("volume"):
        errors.append(validation.required(f"{path}.volume"))
    return errors


def _secret_reference(source: Object, path: str) -> list[FieldError]:
    reference = source.get("secretRef")
    if reference is None or reference.get("name"):
        return []
    return [validation.required(f"{path}.secretRef.name")]


def _flex(source: Object, path: str) -> list[FieldError]:
    text = "kubernetes.io and k8s.io namespaces are reserved"
    return [
        validation.invalid_value(f"{path}.options[{key}]", key, text)
        for key in source.get("options") or {}
        if f".{key.partition('/')[0].lower()}".endswith((".kubernetes.io", ".k8s.io"))
    ]


def _azure_disk(source: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for field, supported in (("cachingMode", CACHING_MODES), ("kind", DISK_KINDS)):
        if (value := source.get(field)) is not None and value not in supported:
            errors.append(validation.not_supported(f"{path}.{field}", value, supported))
    kind, uri = source.get("kind"), source.get("diskURI", "")
    if kind == "Managed" and not uri.startswith("/subscriptions/"):
        errors.append(validation.not_supported(f"{path}.diskURI", uri, (_MANAGED_URI,)))
    if kind is not None and kind != "Managed" and not uri.startswith("https://"):
        errors.append(validation.not_supported(f"{path}.diskURI", uri, (_BLOB_URI,)))
    return errors


def _storage_os(source: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for field in ("volumeName", "volumeNamespace"):
        if value := source.get(field):
            errors += _invalid(f"{path}.{field}", value, names.dns1123_label(value))
    return errors + _secret_reference(source, path)


def _csi(source: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if driver := source.get("driver"):
        if names.size(driver) > DRIVER_MAX:
            errors.append(validation.too_long(f"{path}.driver", DRIVER_MAX))
        errors += _invalid(f"{path}.driver", driver, names.dns1123_subdomain(driver.lower()))
    if (reference := source.get("nodePublishSecretRef")) is not None:
        if name := reference.get("name"):
            errors += _invalid(f"{path}.name", name, names.dns1123_subdomain(name))  # upstream's path
        else:
            errors.append(validation.required(f"{path}.nodePublishSecretRef.name"))
    return errors


def _ephemeral(source: Object, path: str) -> list[FieldError]:
    template = source.get("volumeClaimTemplate")
    if template is None:
        return []
    return validation_claim_template.validate(template, f"{path}.volumeClaimTemplate")


_RULES: Final[Mapping[str, Callable[[Object, str], list[FieldError]]]] = {
    "gitRepo": _directory,
    "gcePersistentDisk": _partition,
    "awsElasticBlockStore": _partition,
    "nfs": _nfs,
    "iscsi": _iscsi,
    "fc": _fibre_channel,
    "flocker": _flocker,
    "quobyte": _quobyte,
    "cinder": _secret_reference,
    "flexVolume": _flex,
    "azureDisk": _azure_disk,
    "storageos": _storage_os,
    "csi": _csi,
    "ephemeral": _ephemeral,
}
