"""Directories that containers have written to: whatever they made of them, they are measured and removed.

Nothing here follows a link or calls itself: a tree may be as deep as the disk has room for.
"""

import contextlib
import errno
import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 512


def remove(root: Path) -> None:
    """Remove a directory with all that is in it. Raises `OSError`, for a mount point among others.

    Level by level, what lies below is moved up and emptied there: names stay short.
    """
    names = (f"{secrets.token_hex(8)}-{number}" for number in itertools.count())
    top = os.open(root, _DIRECTORY)
    try:
        while directories := _clear(top):
            for name in directories:
                _empty(top, name, names)
    finally:
        os.close(top)
    root.rmdir()


def _clear(top: int) -> list[str]:
    """Remove the files of a directory; the names of the directories in it."""
    found: list[str] = []
    with os.scandir(top) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found.append(entry.name)
            else:
                with contextlib.suppress(FileNotFoundError):  # someone else removes it too
                    os.unlink(entry.name, dir_fd=top)
    return found


def _empty(top: int, name: str, names: Iterator[str]) -> None:
    """Move the directories out of one that is in `top`, remove what else is in it, and itself."""
    try:
        descriptor = os.open(name, _DIRECTORY, dir_fd=top)
    except FileNotFoundError:
        return
    try:
        for below in _clear(descriptor):
            with contextlib.suppress(FileNotFoundError):
                os.rename(below, next(names), src_dir_fd=descriptor, dst_dir_fd=top)
    finally:
        os.close(descriptor)
    try:
        os.rmdir(name, dir_fd=top)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:  # a long directory may not show all that is in it at once
            raise


def used(root: Path, enough: int) -> int:
    """Bytes of the disk that the files below take; counting ends where they are more than `enough`.

    A file with several names counts once. What cannot be read, or goes meanwhile, does not count."""
    total, seen, waiting = 0, set[tuple[int, int]](), [str(root)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif found.st_nlink > 1:
                    if (found.st_dev, found.st_ino) in seen:
                        continue
                    seen.add((found.st_dev, found.st_ino))
                total += found.st_blocks * _BLOCK
                if total > enough:
                    return total
    return total
