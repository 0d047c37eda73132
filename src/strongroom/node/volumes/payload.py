"""What a volume made of API objects holds: files by relative path, and why it cannot be made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from strongroom.machinery.gvk import Object

DEFAULT_MODE = 0o644


class VolumeError(Exception):
    """A volume cannot be set up at present. `str()` is the cause as Kubernetes words it; never a value."""


@dataclass(frozen=True, slots=True)
class File:
    """One file: its content, its exact mode, and its owner if that is not root."""

    data: bytes = field(repr=False)
    mode: int = DEFAULT_MODE
    owner: int | None = None


Payload = Mapping[str, File]


def project(
    data: Mapping[str, bytes],
    items: Iterable[Object] | None,
    default_mode: int,
    *,
    optional: bool,
    missing: str,
) -> dict[str, File]:
    """Files for the keys of an object: all of them, or those that `items` lists, at the path each gives.

    A listed key that is absent raises `VolumeError` (`‹missing›: ‹key›`); if `optional`, it is skipped.
    """
    if not items:
        return {key: File(value, default_mode) for key, value in data.items()}
    files = {}
    for item in items:
        key = str(item.get("key", ""))
        if key in data:
            files[str(item.get("path", ""))] = File(data[key], mode_of(item.get("mode"), default_mode))
        elif not optional:
            raise VolumeError(f"{missing}: {key}")
    return files


def mode_of(value: Any, default: int) -> int:
    """A file mode from an API field: permission bits only; absent is the default."""
    return default if value is None else int(value) & 0o777
