"""Volumes of type `secret`."""

import base64
from typing import Any

from strongroom.machinery.gvk import Object
from strongroom.node.volumes.payload import Payload, VolumeError, mode_of, project

DIRECTORY = "kubernetes.io~secret"
MISSING_KEY = "references non-existent secret key"


def name_of(source: Object) -> str:
    return str(source.get("secretName", ""))


def data_of(secret: Object | None) -> dict[str, bytes]:
    """The values of a Secret, decoded."""
    data: dict[str, Any] = (secret or {}).get("data") or {}
    return {key: base64.b64decode(value or "") for key, value in data.items()}


def payload(source: Object, secret: Object | None) -> Payload:
    """Files of the volume. `source` is `volumes[].secret`; `secret` is None where there is none.

    Raises `VolumeError` for a missing Secret or key, unless the source is optional.
    """
    return files(source, name_of(source), secret, mode_of(source.get("defaultMode"), 0o644))


def files(source: Object, name: str, secret: Object | None, default_mode: int) -> Payload:
    """The same for a source that names its Secret in another field, as projected volumes do."""
    optional = bool(source.get("optional"))
    if secret is None:
        if optional:
            return {}
        raise VolumeError(f'secret "{name}" not found')
    return project(data_of(secret), source.get("items"), default_mode, optional=optional, missing=MISSING_KEY)
