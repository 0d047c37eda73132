"""The few mounts that a containerd of our own needs made or unmade."""

import ctypes
import os
import tempfile
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_MS_NOSUID, _MS_NODEV = 2, 4
_MNT_DETACH = 2
_TMPFS = {"tmpfs", "ramfs"}


def mount(source: str, target: Path, kind: str, flags: int, options: str) -> None:
    """mount(2); raises OSError."""
    if _libc.mount(source.encode(), os.fsencode(target), kind.encode(), flags, options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def unmount(target: Path) -> None:
    """Take a mount away at once, even if it is in use; raises OSError."""
    if _libc.umount2(os.fsencode(target), _MNT_DETACH) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def table(text: str | None = None) -> list[tuple[Path, str]]:
    """Mount points and their kinds of file system, oldest first (`/proc/self/mountinfo`)."""
    if text is None:
        text = Path("/proc/self/mountinfo").read_text()
    mounts = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        mounts.append((Path(point), after.split()[0]))
    return mounts


def below(directory: Path) -> list[Path]:
    """Mount points at and under a directory, innermost and latest first."""
    return [point for point, _ in reversed(table()) if point == directory or directory in point.parents]


def kind_of(path: Path) -> str:
    """The kind of file system that holds an existing path."""
    path = path.resolve()
    holders = [(len(point.parts), kind) for point, kind in table() if point == path or point in path.parents]
    deepest = max((depth for depth, _ in holders), default=0)
    return [kind for depth, kind in holders if depth == deepest][-1] if holders else ""


def keep_in_memory(directory: Path) -> None:
    """See to it that what is written under a directory reaches no disk: tmpfs, without swap if it can be.

    Even where the directory is in memory already: what is there, such as /run, may be swapped out.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if kind_of(directory) in _TMPFS and (directory.is_mount() or any(directory.iterdir())):
        return
    flags = _MS_NOSUID | _MS_NODEV
    try:
        mount("strongroom", directory, "tmpfs", flags, "mode=0711,noswap")
    except OSError:
        mount("strongroom", directory, "tmpfs", flags, "mode=0711")


def overlay_works(directory: Path) -> bool:
    """Whether overlayfs can keep its layers in a directory (not on another overlayfs, for one)."""
    with tempfile.TemporaryDirectory(dir=directory, prefix="overlay-check-") as name:
        lower, upper, work, merged = parts = [Path(name, part) for part in ("l", "u", "w", "m")]
        for part in parts:
            part.mkdir()
        try:
            mount("overlay", merged, "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}")
        except OSError:
            return False
        unmount(merged)
        return True
