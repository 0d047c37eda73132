"""The rules of what a container mounts: volumes as directories, or as block devices."""

from collections.abc import Mapping

from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
RECURSIVE = ("Disabled", "Enabled", "IfPossible")
_BLOCK = ("persistentVolumeClaim", "ephemeral")
Volumes = Mapping[str, Object]


def validate_mounts(container: Object, path: str, volumes: Volumes) -> list[FieldError]:
    """A container's `volumeMounts`. `volumes`: the valid ones, by name."""
    errors: list[FieldError] = []
    devices = container.get("volumeDevices") or ()
    device_names, device_paths = ({each.get(key, "") for each in devices} for key in ("name", "devicePath"))
    taken: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        at = f"{path}[{index}]"
        name, point = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            errors.append(validation.required(f"{at}.name"))
        if name not in volumes:
            errors.append(validation.not_found(f"{at}.name", name))
        if not point:
            errors.append(validation.required(f"{at}.mountPath"))
        if point in taken:
            errors.append(validation.invalid_value(f"{at}.mountPath", point, "must be unique"))
        taken.add(point)
        if name in device_names:
            errors.append(
                validation.invalid_value(f"{at}.name", name, "must not already exist in volumeDevices")
            )
        if point in device_paths:
            text = "must not already exist as a path in volumeDevices"
            errors.append(validation.invalid_value(f"{at}.mountPath", point, text))
        errors += _sub_path(mount, at, path)
        errors += _propagation(mount, container, path)
    return errors


def _sub_path(mount: Object, at: str, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    plain, expression = mount.get("subPath", ""), mount.get("subPathExpr", "")
    if plain and expression:
        detail = "subPathExpr and subPath are mutually exclusive"
        errors.append(validation.invalid_value(f"{at}.subPathExpr", expression, detail))
    # Upstream names the list, not the element, in these.
    for field, value in (("subPath", plain), ("subPathExpr", expression)):
        errors += [validation.invalid_value(f"{path}.{field}", value, m) for m in names.relative_path(value)]
    return errors


def _propagation(mount: Object, container: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    mode, recursive = mount.get("mountPropagation"), mount.get("recursiveReadOnly")
    if mode is not None and mode not in PROPAGATIONS:
        errors.append(validation.not_supported(f"{path}.mountPropagation", mode, PROPAGATIONS))
    privileged = (container.get("securityContext") or {}).get("privileged")
    if mode == "Bidirectional" and not privileged:
        detail = "Bidirectional mount propagation is available only to privileged containers"
        errors.append(validation.forbidden(f"{path}.mountPropagation", detail))
    if recursive is None or recursive == "Disabled":
        return errors
    if recursive not in RECURSIVE:
        return [*errors, validation.not_supported(f"{path}.recursiveReadOnly", recursive, RECURSIVE)]
    if not mount.get("readOnly"):
        errors.append(
            validation.forbidden(f"{path}.recursiveReadOnly", "may only be specified when readOnly is true")
        )
    if mode not in (None, "None"):
        detail = "may only be specified when mountPropagation is None or not specified"
        errors.append(validation.forbidden(f"{path}.recursiveReadOnly", detail))
    return errors


def validate_devices(container: Object, path: str, volumes: Volumes) -> list[FieldError]:
    """A container's `volumeDevices`. `volumes`: the valid ones, by name."""
    errors: list[FieldError] = []
    mounts = container.get("volumeMounts") or ()
    mounted, points = ({each.get(key, "") for each in mounts} for key in ("name", "mountPath"))
    used: set[str] = set()
    taken: set[str] = set()
    for index, device in enumerate(container.get("volumeDevices") or ()):
        at = f"{path}[{index}]"
        name, place = device.get("name", ""), device.get("devicePath", "")
        volume = volumes.get(name)
        if not name:
            errors.append(validation.required(f"{at}.name"))
        if name in used:
            errors.append(validation.invalid_value(f"{at}.name", name, "must be unique"))
        if volume is None:
            errors.append(validation.not_found(f"{at}.name", name))
        elif not any(volume.get(kind) is not None for kind in _BLOCK):
            text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            errors.append(validation.invalid_value(f"{at}.name", name, text))
        if not place:
            errors.append(validation.required(f"{at}.devicePath"))
        if place in taken:
            errors.append(validation.invalid_value(f"{at}.devicePath", place, "must be unique"))
        if ".." in place.split("/"):
            text = "can not contain backsteps ('..')"
            errors.append(validation.invalid_value(f"{at}.devicePath", place, text))
        else:
            taken.add(place)
        if name in mounted:
            text = "must not already exist in volumeMounts"
            errors.append(validation.invalid_value(f"{at}.name", name, text))
        if place in points:
            text = "must not already exist as a path in volumeMounts"
            errors.append(validation.invalid_value(f"{at}.devicePath", place, text))
        if name:
            used.add(name)
    return errors
