"""Volumes of type `downwardAPI`: facts about the pod itself, as files."""

from collections.abc import Iterable, Mapping

from strongroom.machinery.gvk import Object
from strongroom.node import downward
from strongroom.node.volumes.payload import File, Payload, VolumeError, mode_of

DIRECTORY = "kubernetes.io~downward-api"


def payload(source: Object, pod: Object, allocatable: Mapping[str, str]) -> Payload:
    """Files of the volume. `allocatable` stands in for limits that a container does not set."""
    return files(source.get("items") or [], pod, allocatable, mode_of(source.get("defaultMode"), 0o644))


def files(
    items: Iterable[Object], pod: Object, allocatable: Mapping[str, str], default_mode: int
) -> dict[str, File]:
    """One file for each item; several that fail are told together."""
    found, errors = {}, []
    for item in items:
        try:
            text = downward.text(item, pod, allocatable)
        except downward.FieldPathError as error:
            errors.append(str(error))
        else:
            found[str(item.get("path", ""))] = File(text.encode(), mode_of(item.get("mode"), default_mode))
    if errors:
        raise VolumeError(errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]")
    return found
