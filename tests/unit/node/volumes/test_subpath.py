"""subPath shows one part of a volume, and never what lies outside it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.node.volumes import subpath, tmpfs
from strongroom.node.volumes.payload import VolumeError


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "volume"
    path.mkdir()
    yield path
    for point in tmpfs.mounts_below(tmp_path):
        tmpfs.unmount(point)


@pytest.mark.parametrize("part", ["/etc", "../x", "a/../../x"])
def test_paths_that_lead_out(volume: Path, part: str) -> None:
    with pytest.raises(VolumeError):
        subpath.prepare(volume, part, volume.parent / "target", create=True)


def test_links_that_lead_out(volume: Path) -> None:
    (volume / "out").symlink_to("/etc")
    with pytest.raises(VolumeError, match="leads out of the volume"):
        subpath.prepare(volume, "out/passwd", volume.parent / "target", create=False)


def test_a_part_that_is_not_there(volume: Path) -> None:
    with pytest.raises(FileNotFoundError):
        subpath.prepare(volume, "none", volume.parent / "target", create=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_file_behind_the_links_of_a_secret(volume: Path) -> None:
    (volume / "..1").mkdir()
    (volume / "..1" / "key").write_text("value")
    (volume / "..data").symlink_to("..1")
    (volume / "key").symlink_to("..data/key")
    target = volume.parent / "targets/v/c/0"
    for _ in range(2):
        assert subpath.prepare(volume, "key", target, create=False) == target
        assert target.read_text() == "value"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_directory_is_made_where_that_is_allowed(volume: Path) -> None:
    target = volume.parent / "target"
    subpath.prepare(volume, "a/b", target, create=True)
    (target / "file").touch()
    assert (volume / "a/b/file").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_descriptors_are_given_back(volume: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    (volume / "f").touch()
    subpath.prepare(volume, "f", volume.parent / "target", create=False)
    with pytest.raises(FileNotFoundError):
        subpath.prepare(volume, "x/y", volume.parent / "target", create=False)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_directory_that_is_made_is_for_those_whose_the_volume_is(volume: Path) -> None:
    """Its mode is the volume's, whatever the umask is, and its group where the volume hands that on."""
    os.chown(volume, -1, 4242)
    volume.chmod(0o2775)
    before = os.umask(0o077)
    try:
        target = subpath.prepare(volume, "a/b", volume.parent / "target", create=True)
        tmpfs.unmount(target)
    finally:
        os.umask(before)
    for made in (volume / "a", volume / "a" / "b"):
        found = made.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o2775, 4242)
