"""Writes the files of a volume so that a reader sees all of the old ones or all of the new ones.

    volume/
      ..2026_01_02_03_04_05.1234567890/   the files, never changed once they can be seen
      ..data -> ..2026_01_02_03_04_05.1234567890
      tls.crt -> ..data/tls.crt           one link for each first path component

A change makes a new directory beside the old one and renames a link over `..data`. Readers that hold the old
directory open keep reading the old files; inotify on the volume sees the rename of `..data`.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from strongroom.node.volumes.payload import Payload, VolumeError

DATA = "..data"
_DATA_TMP = "..data_tmp"
_MAX_PATH = 4096
_MAX_COMPONENT = 255


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be done to a volume: whether its files change, and which visible links come and go."""

    rewrite: bool
    links_to_create: tuple[str, ...]
    links_to_remove: tuple[str, ...]


def validate(paths: Iterable[str]) -> None:
    """Raise `VolumeError` for a path that may leave the volume, hide in it, or collide with another."""
    files = set(paths)
    for path in sorted(files):
        parts = path.split("/")
        if not path or path.startswith("/"):
            raise VolumeError(f"invalid path: must be relative path: {path}")
        if len(path) > _MAX_PATH:
            raise VolumeError("invalid path: must be less than or equal to 4096 characters")
        if any(part in ("", ".", "..") for part in parts):
            raise VolumeError(f"invalid path: must not contain '..': {path}")
        if any(len(part.encode()) > _MAX_COMPONENT for part in parts) or "\0" in path:
            raise VolumeError("invalid path: a component must be less than or equal to 255 characters")
        if parts[0].startswith(".."):
            raise VolumeError(f"invalid path: must not start with '..': {path}")
        if any("/".join(parts[:depth]) in files for depth in range(1, len(parts))):
            raise VolumeError(f"invalid path: {path} lies below another file")


def plan(current: Mapping[str, bytes] | None, visible: Iterable[str], payload: Payload) -> Plan:
    """Compare what a volume holds (None: nothing yet) and shows with what it shall hold.

    A change of mode alone is no change, as in Kubernetes.
    """
    wanted = {path: file.data for path, file in payload.items()}
    links = {path.split("/", 1)[0] for path in payload}
    present = set(visible)
    return Plan(
        rewrite=current is None or dict(current) != wanted,
        links_to_create=tuple(sorted(links - present)),
        links_to_remove=tuple(sorted(present - links)),
    )


def write(
    volume: Path,
    payload: Payload,
    now: datetime,
    set_ownership: Callable[[Path], None] = lambda _: None,
) -> bool:
    """Make `volume`, an existing directory, hold exactly `payload`; whether anything changed.

    `set_ownership` is called with the new directory of files before it can be seen. May be repeated after
    a crash at any point, and then also removes what the crash left.
    """
    # A changed Secret may be in each of a hundred pods: this is plain text and system calls on purpose.
    validate(payload)
    root = str(volume)
    target = _current_target(root)
    current = _read(f"{root}/{target}") if target else None
    present = os.listdir(root)  # noqa: PTH208
    steps = plan(current, [name for name in present if not name.startswith("..")], payload)
    if steps.rewrite:
        new = _make_directory(root, now)
        try:
            _write_files(f"{root}/{new}", payload)
            set_ownership(volume / new)
            _point_at(root, new)
        except BaseException:
            shutil.rmtree(f"{root}/{new}", ignore_errors=True)
            raise
        target = new
    for name in steps.links_to_create:
        os.symlink(f"{DATA}/{name}", f"{root}/{name}")  # noqa: PTH211
    for name in steps.links_to_remove:
        _remove(f"{root}/{name}")
    for name in present:
        if name.startswith("..") and name not in (DATA, target):
            _remove(f"{root}/{name}")  # the old directory of files, those that a crash left
    return steps.rewrite or bool(steps.links_to_create or steps.links_to_remove)


def _current_target(root: str) -> str | None:
    try:
        target = os.readlink(f"{root}/{DATA}")  # noqa: PTH115
    except OSError:
        return None
    sane = "/" not in target and target.startswith("..") and target != ".."
    return target if sane and os.path.isdir(f"{root}/{target}") else None  # noqa: PTH112


def _read(directory: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    todo = [(directory, "")]
    while todo:
        folder, prefix = todo.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    todo.append((entry.path, f"{prefix}{entry.name}/"))
                else:
                    with open(entry.path, "rb", buffering=0) as file:  # noqa: PTH123
                        files[prefix + entry.name] = file.read()
    return files


def _make_directory(root: str, now: datetime) -> str:
    while True:
        name = f"{now:..%Y_%m_%d_%H_%M_%S}.{secrets.randbelow(10**10)}"
        path = f"{root}/{name}"
        try:
            os.mkdir(path, 0o755)  # noqa: PTH102
        except FileExistsError:
            continue
        os.chmod(path, 0o755)  # noqa: PTH101, S103
        return name


def _write_files(root: str, payload: Payload) -> None:
    made = {root}
    for path, file in payload.items():
        folder = root
        for part in path.split("/")[:-1]:
            folder = f"{folder}/{part}"
            if folder not in made:
                made.add(folder)
                os.mkdir(folder)  # noqa: PTH102
                os.chmod(folder, 0o755)  # noqa: PTH101, S103
        descriptor = os.open(f"{root}/{path}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            remaining = memoryview(file.data)
            while remaining:
                remaining = remaining[os.write(descriptor, remaining) :]
            os.fchmod(descriptor, file.mode)
            if file.owner is not None:
                os.fchown(descriptor, file.owner, -1)
        finally:
            os.close(descriptor)


def _point_at(root: str, name: str) -> None:
    temporary = f"{root}/{_DATA_TMP}"
    try:
        os.symlink(name, temporary)  # noqa: PTH211
    except FileExistsError:
        _remove(temporary)  # of a crash
        os.symlink(name, temporary)  # noqa: PTH211
    os.rename(temporary, f"{root}/{DATA}")  # noqa: PTH104


def _remove(path: str) -> None:
    """Remove a file, a link, or a directory with what is in it."""
    try:
        os.unlink(path)  # noqa: PTH108
    except FileNotFoundError:
        return
    except OSError:
        _remove_directory(path)


def _remove_directory(path: str) -> None:
    try:
        for name in os.listdir(path):  # noqa: PTH208
            os.unlink(f"{path}/{name}")  # noqa: PTH108
        os.rmdir(path)  # noqa: PTH106
    except OSError:
        shutil.rmtree(path)  # there are directories in it
