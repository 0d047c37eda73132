"""`subPath` of a volume mount: one file or directory of a volume, bound so that no link leads out of it."""

import os
import stat
from pathlib import Path

from strongroom.node.volumes import tmpfs
from strongroom.node.volumes.payload import VolumeError


def prepare(volume: Path, sub_path: str, target: Path, *, create: bool) -> Path:
    """Bind what `sub_path` names inside `volume` at `target`, and answer `target`.

    `create`: a directory is made where nothing is, with the mode of the volume and, by its set-group-ID bit,
    for the volume's group. The path is resolved first and then opened without following links, so a container
    that swaps links meanwhile gains nothing. Raises `VolumeError`.
    """
    descriptor = open_below(volume, sub_path, create=create)
    try:
        _bind(descriptor, target)
    finally:
        os.close(descriptor)
    return target


def open_below(volume: Path, sub_path: str, *, create: bool = False) -> int:
    """A descriptor (`O_PATH`) of what `sub_path` names inside `volume`, to be closed by the caller.

    Raises `VolumeError` where it leads out of the volume, OSError where it cannot be opened."""
    root = volume.resolve()
    if Path(sub_path).is_absolute() or ".." in Path(sub_path).parts:
        raise VolumeError("subPath must be a relative path below the volume")
    resolved = (root / sub_path).resolve()
    if not resolved.is_relative_to(root):
        raise VolumeError("subPath leads out of the volume")
    return _open(root, resolved.relative_to(root).parts, create=create)


def _open(root: Path, parts: tuple[str, ...], *, create: bool) -> int:
    descriptor = os.open(root, os.O_PATH | os.O_NOFOLLOW)
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode) & (0o777 | stat.S_ISGID)
    for part in parts:
        try:
            following = _open_one(descriptor, part, mode if create else None)
        finally:
            os.close(descriptor)
        descriptor = following
    return descriptor


def _open_one(parent: int, name: str, mode: int | None) -> int:
    try:
        return os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=parent)
    except FileNotFoundError:
        if mode is None:
            raise
    os.mkdir(name, mode, dir_fd=parent)
    made = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=parent)
    try:
        Path(f"/proc/self/fd/{made}").chmod(mode)  # whatever the umask took away
    except BaseException:
        os.close(made)
        raise
    return made


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
