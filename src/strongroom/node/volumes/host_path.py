"""Volumes of type `hostPath`: a path of the machine itself."""

import stat
from collections.abc import Callable
from pathlib import Path

from strongroom.machinery.gvk import Object
from strongroom.node.volumes.payload import VolumeError

_CHECKS: dict[str, tuple[Callable[[int], bool], str]] = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def set_up(source: Object) -> Path:
    """The path that `volumes[].hostPath` names, made where its type asks for that.

    Raises `VolumeError` if it is not of that type.
    """
    path = Path(str(source.get("path", "")))
    kind = str(source.get("type") or "")
    if kind not in _CHECKS:
        return path
    if kind.endswith("OrCreate") and not path.exists():
        _create(path, kind)
    check, description = _CHECKS[kind]
    if not path.exists() or not check(path.stat().st_mode):
        raise VolumeError(f"hostPath type check failed: {path} is not {description}")
    return path


def _create(path: Path, kind: str) -> None:
    if kind == "DirectoryOrCreate":
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    else:
        path.touch(mode=0o644)
