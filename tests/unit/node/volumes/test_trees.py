"""What containers leave in their directories is measured and removed, whatever it is."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.node.volumes import trees

DEPTH = 3000
"""More than Python calls itself, and longer than a path may be."""


@pytest.fixture
def here() -> Iterator[None]:
    before = Path.cwd()
    yield
    os.chdir(before)


def deep(root: Path) -> None:
    root.mkdir()
    os.chdir(root)
    for _ in range(DEPTH):
        Path("d").mkdir()
        os.chdir("d")
    Path("file").write_text("x")


@pytest.mark.usefixtures("here")
def test_a_tree_as_deep_as_the_disk_has_room_is_removed(tmp_path: Path) -> None:
    deep(tmp_path / "root")
    os.chdir(tmp_path)
    trees.remove(tmp_path / "root")
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    (outside / "kept").mkdir(parents=True)
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "f").write_text("x")
    (root / "a" / "link").symlink_to(outside)
    (root / "link").symlink_to(outside)
    os.mkfifo(root / "a" / "pipe")
    trees.remove(root)
    assert not root.exists()
    assert (outside / "kept").is_dir()
    (tmp_path / "led").symlink_to(outside)
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        trees.remove(tmp_path / "led")
    assert (outside / "kept").is_dir()


def test_many_files_are_removed(tmp_path: Path) -> None:
    for folder in ("one", "two/three"):
        (tmp_path / "root" / folder).mkdir(parents=True)
        for number in range(2000):
            (tmp_path / "root" / folder / str(number)).touch()
    trees.remove(tmp_path / "root")
    assert not (tmp_path / "root").exists()


def test_what_files_take(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "f").write_bytes(bytes(40_960))
    (root / "again").hardlink_to(root / "a" / "f")
    (tmp_path / "large").write_bytes(bytes(400_000))
    (root / "link").symlink_to(tmp_path / "large")
    with (root / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert trees.used(root, 40_000) > 40_000
    assert trees.used(root, 80_000) <= 80_000
    assert trees.used(tmp_path / "none", 0) == 0
