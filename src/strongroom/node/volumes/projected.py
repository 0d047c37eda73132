"""Volumes of type `projected`: several sources in one directory."""

from collections.abc import Mapping

from strongroom.machinery.gvk import Object
from strongroom.node.lookup import Sources
from strongroom.node.volumes import config_map, downward_api, secret, service_account_token
from strongroom.node.volumes.payload import File, Payload, VolumeError, mode_of

DIRECTORY = "kubernetes.io~projected"


def payload(source: Object, pod: Object, objects: Sources, allocatable: Mapping[str, str]) -> Payload:
    """Files of all sources; where two give one path, the later source has it.

    Raises `VolumeError` that tells each thing that fails once, as `[e1, e2]` if there are several.
    """
    mode = mode_of(source.get("defaultMode"), 0o644)
    merged: dict[str, File] = {}
    errors = []
    for part in source.get("sources") or []:
        try:
            merged |= _files(part, pod, objects, allocatable, mode)
        except VolumeError as error:
            errors.append(str(error))
    if told := list(dict.fromkeys(errors)):
        raise VolumeError(told[0] if len(told) == 1 else f"[{', '.join(told)}]")
    return merged


def _files(part: Object, pod: Object, objects: Sources, allocatable: Mapping[str, str], mode: int) -> Payload:
    namespace = pod["metadata"]["namespace"]
    if (source := part.get("secret")) is not None:
        name = str(source.get("name", ""))
        return secret.files(source, name, objects.secret(namespace, name), mode)
    if (source := part.get("configMap")) is not None:
        found = objects.config_map(namespace, config_map.name_of(source))
        return config_map.files(source, found, mode)
    if (source := part.get("downwardAPI")) is not None:
        return downward_api.files(source.get("items") or [], pod, allocatable, mode)
    if (source := part.get("serviceAccountToken")) is not None:
        return service_account_token.files(source, pod, objects, mode)
    kinds = ", ".join(sorted(part)) or "none"
    raise VolumeError(f"projected volume source is not supported by this node: {kinds}")
