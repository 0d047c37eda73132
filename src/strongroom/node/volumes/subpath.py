"""`subPath` of a volume mount: one file or directory of a volume, bound so that no link leads out of it."""

import os
from pathlib import Path

from strongroom.node.volumes import tmpfs
from strongroom.node.volumes.payload import VolumeError


def prepare(volume: Path, sub_path: str, target: Path, *, create: bool) -> Path:
    """Bind what `sub_path` names inside `volume` at `target`, and answer `target`.

    `create`: a directory is made where nothing is. The path is resolved first and then opened without
    following links, so a container that swaps links meanwhile gains nothing. Raises `VolumeError`.
    """
    root = volume.resolve()
    if Path(sub_path).is_absolute() or ".." in Path(sub_path).parts:
        raise VolumeError("subPath must be a relative path below the volume")
    resolved = (root / sub_path).resolve()
    if not resolved.is_relative_to(root):
        raise VolumeError("subPath leads out of the volume")
    descriptor = _open(root, resolved.relative_to(root).parts, create=create)
    try:
        _bind(descriptor, target)
    finally:
        os.close(descriptor)
    return target


def _open(root: Path, parts: tuple[str, ...], *, create: bool) -> int:
    descriptor = os.open(root, os.O_PATH | os.O_NOFOLLOW)
    for part in parts:
        try:
            following = _open_one(descriptor, part, create=create)
        finally:
            os.close(descriptor)
        descriptor = following
    return descriptor


def _open_one(parent: int, name: str, *, create: bool) -> int:
    try:
        return os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=parent)
    except FileNotFoundError:
        if not create:
            raise
    os.mkdir(name, 0o750, dir_fd=parent)
    return os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=parent)


def _bind(descriptor: int, target: Path) -> None:
    source = Path(f"/proc/self/fd/{descriptor}")
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    if target.exists():
        tmpfs.unmount(target)
    if source.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    tmpfs.bind(source, target)
