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
    validate(payload)
    target = _current_target(volume)
    current = _read(volume / target) if target else None
    steps = plan(current, _visible(volume), payload)
    if steps.rewrite:
        new = _make_directory(volume, now)
        try:
            _write_files(volume / new, payload)
            set_ownership(volume / new)
            _point_at(volume, new)
        except BaseException:
            shutil.rmtree(volume / new, ignore_errors=True)
            raise
        target = new
    for name in steps.links_to_create:
        (volume / name).symlink_to(f"{DATA}/{name}")
    for name in steps.links_to_remove:
        _remove(volume / name)
    _sweep(volume, target)
    return steps.rewrite or bool(steps.links_to_create or steps.links_to_remove)


def _current_target(volume: Path) -> str | None:
    try:
        target = str((volume / DATA).readlink())
    except OSError:
        return None
    sane = "/" not in target and target.startswith("..") and target != ".."
    return target if sane and (volume / target).is_dir() else None


def _visible(volume: Path) -> list[str]:
    return [entry.name for entry in os.scandir(volume) if not entry.name.startswith("..")]


def _read(directory: Path) -> dict[str, bytes]:
    files = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = Path(folder, name)
            files[path.relative_to(directory).as_posix()] = path.read_bytes()
    return files


def _make_directory(volume: Path, now: datetime) -> str:
    while True:
        name = f"{now:..%Y_%m_%d_%H_%M_%S}.{secrets.randbelow(10**10)}"
        try:
            (volume / name).mkdir(mode=0o755)
        except FileExistsError:
            continue
        (volume / name).chmod(0o755)
        return name


def _write_files(directory: Path, payload: Payload) -> None:
    for path, file in payload.items():
        folder = directory
        for part in path.split("/")[:-1]:
            folder = folder / part
            if not folder.is_dir():
                folder.mkdir()
                folder.chmod(0o755)
        descriptor = os.open(directory / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as output:
            remaining = memoryview(file.data)
            while remaining:
                remaining = remaining[output.write(remaining) :]
            os.fchmod(descriptor, file.mode)
            if file.owner is not None:
                os.fchown(descriptor, file.owner, -1)


def _point_at(volume: Path, name: str) -> None:
    temporary = volume / _DATA_TMP
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(name)
    temporary.rename(volume / DATA)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sweep(volume: Path, target: str | None) -> None:
    """Remove old directories of files, those that a crash left among them."""
    for entry in list(os.scandir(volume)):
        if entry.name.startswith("..") and entry.name not in (DATA, target):
            _remove(Path(entry.path))
