"""The files of a volume change all at once, and nothing else of it is ever seen."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.node.volumes import atomic_writer
from strongroom.node.volumes.payload import File, VolumeError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def payload(**files: str) -> dict[str, File]:
    return {name.replace("__", "/"): File(text.encode()) for name, text in files.items()}


def shown(volume: Path) -> dict[str, bytes]:
    """What a container sees: every file that is reached by a name that does not hide."""
    seen: dict[str, bytes] = {}
    for entry in volume.iterdir():
        if entry.name.startswith(".."):
            continue
        inside = [entry] if entry.is_file() else [path for path in entry.rglob("*") if path.is_file()]
        seen |= {str(path.relative_to(volume)): path.read_bytes() for path in inside}
    return seen


def test_layout_is_that_of_kubernetes(tmp_path: Path) -> None:
    assert atomic_writer.write(tmp_path, payload(user="root", deep__er__key="x"), NOW)
    target = str((tmp_path / "..data").readlink())
    assert target.startswith("..2026_01_02_03_04_05.")
    assert target.rpartition(".")[2].isdigit()
    assert str((tmp_path / "user").readlink()) == "..data/user"
    assert str((tmp_path / "deep").readlink()) == "..data/deep"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["..data", target, "deep", "user"])
    assert shown(tmp_path) == {"user": b"root", "deep/er/key": b"x"}


def test_equal_content_changes_nothing(tmp_path: Path) -> None:
    atomic_writer.write(tmp_path, payload(user="root"), NOW)
    before = str((tmp_path / "..data").readlink())
    assert not atomic_writer.write(tmp_path, {"user": File(b"root", mode=0o400)}, NOW)
    assert str((tmp_path / "..data").readlink()) == before
    assert (tmp_path / "user").stat().st_mode & 0o777 == 0o644


def test_change_swaps_the_whole_directory_and_removes_the_old_one(tmp_path: Path) -> None:
    atomic_writer.write(tmp_path, payload(user="root", password="old"), NOW)
    old = str((tmp_path / "..data").readlink())
    with (tmp_path / "password").open("rb") as reader:
        assert atomic_writer.write(tmp_path, payload(password="new", host="db"), NOW)
        assert reader.read() == b"old"
    assert shown(tmp_path) == {"password": b"new", "host": b"db"}
    assert not (tmp_path / old).exists()
    assert not (tmp_path / "user").is_symlink()


def test_modes_are_exact_whatever_the_umask(tmp_path: Path) -> None:
    previous = os.umask(0o077)
    try:
        atomic_writer.write(tmp_path, {"a": File(b"", 0o777), "d/b": File(b"", 0o400)}, NOW)
    finally:
        os.umask(previous)
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o777
    assert (tmp_path / "d/b").stat().st_mode & 0o7777 == 0o400
    assert (tmp_path / "d").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "..data").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../up",
        "a/../b",
        "..data",
        "..x/y",
        "a//b",
        "a/.",
        "a" * 256,
        "x/" * 2048 + "y",
        "a\0b",
    ],
)
def test_paths_that_leave_or_hide_are_refused_before_anything_is_written(tmp_path: Path, path: str) -> None:
    with pytest.raises(VolumeError):
        atomic_writer.write(tmp_path, {path: File(b"x"), "fine": File(b"y")}, NOW)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "path", ["a" * 255, "é" * 127, "x/" * 2047 + "yy", "a/..b", "a/...", ".a", "a..", "a/" + "b" * 255]
)
def test_paths_up_to_the_limits_are_fine(path: str) -> None:
    atomic_writer.validate([path, "fine"])


def test_a_component_is_measured_in_bytes() -> None:
    with pytest.raises(VolumeError, match="a component must be less than or equal to 255 characters"):
        atomic_writer.validate(["é" * 128])


def test_each_refusal_says_why_and_of_several_the_first_by_name() -> None:
    for path, why in (
        ("", "must be relative path"),
        ("/a", "must be relative path"),
        ("x/" * 2048 + "y", "less than or equal to 4096 characters"),
        ("a//b", "must not contain '..'"),
        ("..a", "must not start with '..': ..a"),
    ):
        with pytest.raises(VolumeError, match=why):
            atomic_writer.validate([path])
    with pytest.raises(VolumeError, match=r"\.\.a"):
        atomic_writer.validate([f"..{letter}" for letter in "gfedcba"])


@pytest.mark.parametrize("below", ["a/b", "a/b/c", "a/b/c/d"])
def test_a_file_below_another_at_any_depth_is_refused(below: str) -> None:
    for above in ("a", "a/b", "a/b/c"):
        if below != above and below.startswith(above):
            with pytest.raises(VolumeError, match=f"{below} lies below another file"):
                atomic_writer.validate([above, below])


def test_a_file_below_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="lies below another file"):
        atomic_writer.write(tmp_path, payload(a="1", a__b="2"), NOW)


@pytest.mark.parametrize("target", ["/etc", "../elsewhere", "..", "no-such", "..gone"])
def test_a_data_link_that_points_elsewhere_is_neither_read_nor_followed(tmp_path: Path, target: str) -> None:
    volume, outside = tmp_path / "volume", tmp_path / "elsewhere"
    volume.mkdir()
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (volume / "..data").symlink_to(target)
    assert atomic_writer.write(volume, payload(a="1"), NOW)
    assert shown(volume) == {"a": b"1"}
    assert (outside / "kept").read_text() == "kept"


def test_what_a_crash_left_is_completed_and_swept(tmp_path: Path) -> None:
    atomic_writer.write(tmp_path, payload(a="1", b="2"), NOW)
    (tmp_path / "b").unlink()
    (tmp_path / "..2026_01_01_00_00_00.1").mkdir()
    (tmp_path / "..2026_01_01_00_00_00.1" / "a").write_text("half")
    (tmp_path / "..data_tmp").symlink_to("..2026_01_01_00_00_00.1")
    assert atomic_writer.write(tmp_path, payload(a="1", b="2"), NOW)
    assert shown(tmp_path) == {"a": b"1", "b": b"2"}
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("..")]) == 2


def test_failure_leaves_the_old_files_and_no_new_ones(tmp_path: Path) -> None:
    atomic_writer.write(tmp_path, payload(a="1"), NOW)

    def refuse(_: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    with pytest.raises(PermissionError):
        atomic_writer.write(tmp_path, payload(a="2"), NOW, refuse)
    assert shown(tmp_path) == {"a": b"1"}
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, OSError])
def test_whatever_cuts_it_short_leaves_no_new_files(tmp_path: Path, stopped: type[BaseException]) -> None:
    atomic_writer.write(tmp_path, payload(a="1"), NOW)
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    def stop(_: Path) -> None:
        raise stopped

    with pytest.raises(stopped):
        atomic_writer.write(tmp_path, payload(a="2"), NOW, stop)
    assert len(list(tmp_path.iterdir())) == 3
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_links_alone_that_are_missing_or_left_over_are_a_change(tmp_path: Path) -> None:
    atomic_writer.write(tmp_path, payload(a="1", b="2"), NOW)
    target = (tmp_path / "..data").readlink()
    (tmp_path / "b").unlink()
    assert atomic_writer.write(tmp_path, payload(a="1", b="2"), NOW)
    (tmp_path / "c").symlink_to("..data/c")
    (tmp_path / "folder" / "in").mkdir(parents=True)
    assert atomic_writer.write(tmp_path, payload(a="1", b="2"), NOW)
    assert {path.name for path in tmp_path.iterdir()} == {"..data", target.name, "a", "b"}
    assert (tmp_path / "..data").readlink() == target
    assert not atomic_writer.write(tmp_path, payload(a="1", b="2"), NOW)


def test_a_name_that_is_taken_is_not_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([7, 7, 8])
    monkeypatch.setattr("secrets.randbelow", lambda _: next(numbers))
    atomic_writer.write(tmp_path, payload(a="1"), NOW)
    atomic_writer.write(tmp_path, payload(a="2"), NOW)
    assert str((tmp_path / "..data").readlink()) == "..2026_01_02_03_04_05.8"
    assert shown(tmp_path) == {"a": b"2"}


def test_a_file_that_is_written_in_pieces_is_whole_and_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    atomic_writer.write(tmp_path, payload(a="12345", b="6"), NOW)
    assert shown(tmp_path) == {"a": b"12345", "b": b"6"}
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_a_file_is_its_owners_and_keeps_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fchown", lambda _, owner, group: given.append((owner, group)))
    files = {"a": File(b"1", owner=1000), "b": File(b"2", owner=0), "c": File(b"3")}
    atomic_writer.write(tmp_path, files, NOW)
    assert given == [(1000, -1), (0, -1)]


def test_a_file_is_private_until_it_has_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    write = os.write

    def look(descriptor: int, data: bytes) -> int:
        modes.append(os.fstat(descriptor).st_mode & 0o7777)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", look)
    atomic_writer.write(tmp_path, payload(a="1"), NOW)
    assert modes == [0o600]


def test_ownership_is_set_before_the_files_can_be_seen(tmp_path: Path) -> None:
    atomic_writer.write(tmp_path, payload(a="1"), NOW)
    seen = []

    def look(directory: Path) -> None:
        seen.append(((directory / "a").read_bytes(), (tmp_path / "a").read_bytes()))

    atomic_writer.write(tmp_path, payload(a="2"), NOW, look)
    assert seen == [(b"2", b"1")]


NAMES = st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h", ".hidden", "x..y"])
PAYLOADS = st.dictionaries(NAMES, st.binary(max_size=3).map(File), max_size=6)


@given(before=st.none() | PAYLOADS, after=PAYLOADS)
def test_after_its_plan_a_volume_shows_what_was_wanted(
    before: dict[str, File] | None, after: dict[str, File]
) -> None:
    current = None if before is None else {path: file.data for path, file in before.items()}
    visible = {path.split("/")[0] for path in before or {}}
    steps = atomic_writer.plan(current, visible, after)
    links = visible - set(steps.links_to_remove) | set(steps.links_to_create)
    assert links == {path.split("/")[0] for path in after}
    assert steps.rewrite == (before is None or current != {path: file.data for path, file in after.items()})


@pytest.mark.slow
@given(st.lists(PAYLOADS, min_size=1, max_size=4))
def test_any_sequence_of_payloads_ends_with_the_last(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[dict[str, File]]
) -> None:
    volume = tmp_path_factory.mktemp("volume")
    for files in payloads:
        atomic_writer.write(volume, files, NOW)
    assert shown(volume) == {path: file.data for path, file in payloads[-1].items()}
    assert len([path for path in volume.iterdir() if path.name.startswith("..")]) == 2
