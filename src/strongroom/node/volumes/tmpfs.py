"""Memory file systems whose pages never reach swap."""

import ctypes
import errno
import functools
import os
from pathlib import Path
from typing import Protocol

_MS_NOSUID = 2
_MS_NODEV = 4
_MS_BIND = 4096
_MNT_DETACH = 2
_UMOUNT_NOFOLLOW = 8


class Memory(Protocol):
    """Who mounts. This module does it for real; tests that are not root have another."""

    def mount(self, path: Path, *, size: int | None = None) -> bool: ...

    def unmount(self, path: Path) -> None: ...

    def is_mounted(self, path: Path) -> bool: ...

    def device(self, path: Path) -> int: ...

    def mounts_below(self, directory: Path) -> list[Path]: ...

    def swap_is_on(self) -> bool: ...


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
    libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
    return libc


def options(*, noswap: bool, size: int | None) -> str:
    """Mount options. The mode is that of a memory-backed emptyDir: everyone, with the sticky bit."""
    chosen = ["mode=1777"]
    if noswap:
        chosen.append("noswap")
    if size is not None:
        chosen.append(f"size={size}")
    return ",".join(chosen)


def mount(path: Path, *, size: int | None = None) -> bool:
    """Mount a new tmpfs over the directory `path`; whether the kernel keeps it out of swap (Linux 6.4).

    `size` is a limit in bytes; None is the kernel's default, half of memory. Raises `OSError`.
    """
    try:
        _mount(path, options(noswap=True, size=size))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        _mount(path, options(noswap=False, size=size))
        return False
    return True


def _mount(path: Path, data: str) -> None:
    flags = _MS_NOSUID | _MS_NODEV
    if _libc().mount(b"tmpfs", os.fsencode(path), b"tmpfs", flags, data.encode()) != 0:
        raise _error(path)


def bind(source: Path, target: Path) -> None:
    """Show the file or directory `source` at `target`, which is of the same type. Raises `OSError`."""
    if _libc().mount(os.fsencode(source), os.fsencode(target), None, _MS_BIND, None) != 0:
        raise _error(target)


def unmount(path: Path) -> None:
    """Unmount whatever is mounted at `path`, layer by layer; what is still open lives until it is closed."""
    while is_mounted(path):
        if _libc().umount2(os.fsencode(path), _MNT_DETACH | _UMOUNT_NOFOLLOW) != 0:
            raise _error(path)


def _error(path: Path) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), str(path))


def is_mounted(path: Path) -> bool:
    """Whether `path` is the root of a mount, bound files and directories included."""
    return os.fsencode(path.parent.resolve() / path.name) in _mount_points()


def device(path: Path) -> int:
    """The device that `path` is on, one of its own for each mount of memory; -1: there is no such path."""
    try:
        return os.stat(path, follow_symlinks=False).st_dev  # noqa: PTH116
    except OSError:
        return -1


def mounts_below(directory: Path) -> list[Path]:
    """Mount points below `directory`, deepest first."""
    prefix = os.fsencode(directory.resolve()) + b"/"
    found = {Path(os.fsdecode(point)) for point in _mount_points() if point.startswith(prefix)}
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def _mount_points() -> set[bytes]:
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    return {_unescape(line.split(b" ")[4]) for line in lines}


def _unescape(field: bytes) -> bytes:
    """A field of mountinfo: blank, tab, newline and backslash are three octal digits behind a backslash."""
    for code, text in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        field = field.replace(code, text)
    return field


def swap_is_on() -> bool:
    """Whether the machine has any swap space."""
    try:
        return len(Path("/proc/swaps").read_text().splitlines()) > 1
    except OSError:
        return False
