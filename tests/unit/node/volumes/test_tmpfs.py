"""Memory file systems. Mounting needs root and Linux."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.node.volumes import tmpfs

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "a volume"
    path.mkdir()
    yield path
    tmpfs.unmount(path)


@pytest.mark.parametrize(
    ("noswap", "size", "text"),
    [
        (True, None, "mode=1777,noswap"),
        (False, None, "mode=1777"),
        (True, 1024, "mode=1777,noswap,size=1024"),
    ],
)
def test_options(noswap: bool, size: int | None, text: str) -> None:
    assert tmpfs.options(noswap=noswap, size=size) == text


@needs_root
def test_mount_and_unmount(place: Path) -> None:
    assert not tmpfs.is_mounted(place)
    tmpfs.mount(place)
    assert tmpfs.is_mounted(place)
    assert tmpfs.mounts_below(place.parent) == [place]
    assert tmpfs.device(place) != tmpfs.device(place.parent)
    assert place.stat().st_mode & 0o7777 == 0o1777
    line = next(line for line in Path("/proc/self/mounts").read_text().splitlines() if "a\\040volume" in line)
    assert line.split()[2] == "tmpfs"
    assert "nosuid" in line and "nodev" in line
    tmpfs.unmount(place)
    assert not tmpfs.is_mounted(place)
    assert tmpfs.device(place) == tmpfs.device(place.parent)
    tmpfs.unmount(place)


@needs_root
def test_a_limit_holds(place: Path) -> None:
    tmpfs.mount(place, size=64 * 1024)
    with pytest.raises(OSError, match="No space left"):
        (place / "big").write_bytes(b"x" * 1024 * 1024)


@needs_root
def test_a_file_can_be_shown_elsewhere(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("shown")
    target.touch()
    tmpfs.bind(source, target)
    assert target.read_text() == "shown"
    assert tmpfs.is_mounted(target)
    tmpfs.unmount(target)
    assert target.read_text() == ""


@needs_root
def test_what_cannot_be_mounted(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tmpfs.mount(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        tmpfs.bind(tmp_path / "none", tmp_path / "none")


def test_nothing_is_mounted_where_nothing_is(tmp_path: Path) -> None:
    assert not tmpfs.is_mounted(tmp_path / "none")
    assert tmpfs.device(tmp_path / "none") == -1
    assert isinstance(tmpfs.swap_is_on(), bool)
