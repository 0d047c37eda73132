"""hostPath volumes check, and make, what they name."""

from pathlib import Path

import pytest

from strongroom.node.volumes import host_path
from strongroom.node.volumes.payload import VolumeError


def test_made_where_the_type_asks_for_it(tmp_path: Path) -> None:
    host_path.set_up({"path": str(tmp_path / "a/b"), "type": "DirectoryOrCreate"})
    host_path.set_up({"path": str(tmp_path / "a/f"), "type": "FileOrCreate"})
    assert (tmp_path / "a/b").is_dir()
    assert (tmp_path / "a/f").is_file()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Directory", "a directory"),
        ("File", "a file"),
        ("Socket", "a socket file"),
        ("CharDevice", "a character device"),
        ("BlockDevice", "a block device"),
    ],
)
def test_wrong_type(tmp_path: Path, kind: str, text: str) -> None:
    path = tmp_path / "missing"
    with pytest.raises(VolumeError) as error:
        host_path.set_up({"path": str(path), "type": kind})
    assert str(error.value) == f"hostPath type check failed: {path} is not {text}"


def test_without_a_type_nothing_is_checked(tmp_path: Path) -> None:
    assert host_path.set_up({"path": str(tmp_path / "x"), "type": ""}) == tmp_path / "x"
    assert not (tmp_path / "x").exists()
