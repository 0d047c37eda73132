"""Volumes of type `configMap`."""

import base64

from strongroom.machinery.gvk import Object
from strongroom.node.volumes.payload import Payload, VolumeError, mode_of, project

DIRECTORY = "kubernetes.io~configmap"
MISSING_KEY = "configmap references non-existent config key"


def name_of(source: Object) -> str:
    return str(source.get("name", ""))


def text_of(config_map: Object | None) -> dict[str, bytes]:
    """The values of a ConfigMap that variables are made of: `data` alone, as UTF-8."""
    text = (config_map or {}).get("data") or {}
    return {key: str(value).encode() for key, value in text.items()}


def data_of(config_map: Object | None) -> dict[str, bytes]:
    """The values of a ConfigMap, `data` as UTF-8 and `binaryData` decoded."""
    binary = (config_map or {}).get("binaryData") or {}
    return text_of(config_map) | {key: base64.b64decode(value or "") for key, value in binary.items()}


def payload(source: Object, config_map: Object | None) -> Payload:
    """Files of the volume; errors as for Secrets."""
    return files(source, config_map, mode_of(source.get("defaultMode"), 0o644))


def files(source: Object, config_map: Object | None, default_mode: int) -> Payload:
    """The same with the mode given from outside, as projected volumes do."""
    optional = bool(source.get("optional"))
    if config_map is None:
        if optional:
            return {}
        raise VolumeError(f'configmap "{name_of(source)}" not found')
    return project(
        data_of(config_map), source.get("items"), default_mode, optional=optional, missing=MISSING_KEY
    )
