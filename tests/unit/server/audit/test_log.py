"""The audit log: what was written stays as it was, or it shows."""

import asyncio
import os
import resource
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.aio.clock import FakeClock
from strongroom.server.audit import chain, log, policy
from strongroom.server.audit.recorder import Recorder
from strongroom.testing import api_server


def _written(count: int) -> list[bytes]:
    lines, previous = [], chain.GENESIS
    for number in range(count):
        line, previous = chain.link(orjson.dumps({"number": number, "text": 'a"}b'}), previous)
        lines.append(line)
    return lines


def _verify(folder: Path, lines: list[bytes]) -> chain.Verified:
    path = folder / "log"
    path.write_bytes(b"".join(lines))
    return chain.verify([path])


def test_lines_are_json_and_carry_the_hash_of_the_one_before(tmp_path: Path) -> None:
    lines = [orjson.loads(line) for line in _written(3)]
    assert lines[0]["previousHash"] == "0" * 64
    assert [line["previousHash"] for line in lines[1:]] == [line["hash"] for line in lines[:-1]]
    found = _verify(tmp_path, _written(3))
    assert found.lines == 3 and found.whole and found.last == lines[-1]["hash"]


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_changed_byte_shows_in_its_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    lines = _written(4)
    at = data.draw(st.integers(0, 3))
    line = bytearray(lines[at])
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] = data.draw(st.integers(0, 255).filter(lambda value: value not in (line[place], 10)))
    lines[at] = bytes(line)
    with pytest.raises(chain.Broken, match=f":{at + 1}: "):
        _verify(tmp_path_factory.mktemp("changed"), lines)


@pytest.mark.parametrize("gone", [1, 2])
def test_a_removed_line_shows_at_the_next(tmp_path: Path, gone: int) -> None:
    lines = _written(4)
    del lines[gone]
    with pytest.raises(chain.Broken, match=f":{gone + 1}: .*removed"):
        _verify(tmp_path, lines)


def test_moved_and_inserted_lines_show(tmp_path: Path) -> None:
    lines = _written(4)
    lines[1], lines[2] = lines[2], lines[1]
    with pytest.raises(chain.Broken, match=":2: "):
        _verify(tmp_path, lines)
    lines = _written(4)
    with pytest.raises(chain.Broken, match=":3: "):
        _verify(tmp_path, [*lines[:2], lines[1], *lines[2:]])


def test_a_beginning_that_is_gone_is_told(tmp_path: Path) -> None:
    assert not _verify(tmp_path, _written(4)[1:]).whole


async def test_the_chain_goes_on_over_rotations_and_restarts(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "audit" / "audit.log"
    for start in range(3):
        sink = log.Log(path, clock, max_bytes=1000)
        for number in range(10):
            await sink.write(orjson.dumps({"start": start, "number": number}))
            clock.advance(1)
        sink.close()
    files = log.files(path)
    assert len(files) > 2 and files[-1] == path
    assert all(file.stat().st_size <= 1000 and file.stat().st_mode & 0o777 == 0o600 for file in files)
    found = chain.verify(files)
    assert found.lines == 30 and found.whole


async def test_old_files_go_by_number_and_by_age(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "audit.log"
    sink = log.Log(path, clock, max_bytes=300, max_backups=2, max_age=timedelta(days=1))
    for _ in range(10):
        await sink.write(b'{"a":1}')
        clock.advance(1)
    assert len(log.files(path)) == 3
    for file in log.files(path)[:-1]:
        os.utime(file, (0, 0))
    await sink.write(b'{"a":1}')
    await sink.write(b'{"a":1}')
    sink.close()
    assert len(log.files(path)) <= 2
    assert not chain.verify(log.files(path)).whole


async def test_a_line_that_a_crash_cut_is_dropped_and_the_chain_goes_on(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "audit.log"
    sink = log.Log(path, clock)
    await sink.write(b'{"a":1}')
    sink.close()
    with path.open("ab") as file:
        file.write(b'{"a":2,"previousHa')
    sink = log.Log(path, clock)
    await sink.write(b'{"a":3}')
    sink.close()
    assert chain.verify([path]).lines == 2


async def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.log"
    sink = log.Log(path, FakeClock())
    await sink.write(b'{"a":1}')
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:20]))
    with pytest.raises(OSError, match="no space"):
        await sink.write(b'{"a":2}')
    monkeypatch.undo()
    await sink.write(b'{"a":3}')
    sink.close()
    assert chain.verify([path]).lines == 2


async def test_who_writes_in_one_turn_is_written_at_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = log.Log(tmp_path / "audit.log", FakeClock())
    sizes: list[int] = []
    write = os.write

    def counted(file: int, data: bytes) -> int:
        sizes.append(data.count(b"\n"))
        return write(file, data)

    monkeypatch.setattr(os, "write", counted)
    tasks = [asyncio.ensure_future(sink.write(b'{"n":%d}' % number)) for number in range(5)]  # noqa: TID251
    await asyncio.sleep(0)
    tasks[2].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    sink.close()
    assert sizes == [5]
    assert [isinstance(each, asyncio.CancelledError) for each in done] == [False, False, True, False, False]
    lines = (tmp_path / "audit.log").read_bytes().splitlines()
    assert [orjson.loads(line)["n"] for line in lines] == list(range(5))
    assert chain.verify([tmp_path / "audit.log"]).lines == 5


async def test_a_rotation_that_failed_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.log"
    clock = FakeClock()
    sink = log.Log(path, clock, max_bytes=200)
    await sink.write(b'{"a":1}')
    opened = os.open

    def refused(*_: object, **__: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "open", refused)
    for _ in range(2):
        with pytest.raises(OSError, match="Too many"):
            await sink.write(b'{"a":2}')
    monkeypatch.setattr(os, "open", opened)
    await sink.write(b'{"a":3}')
    sink.close()
    found = chain.verify(log.files(path))
    assert found.lines == 2 and found.whole
    with pytest.raises(OSError, match="closed"):
        await sink.write(b'{"a":4}')


async def _rotated(folder: Path) -> list[Path]:
    clock, path = FakeClock(), folder / "audit[1].log"
    sink = log.Log(path, clock, max_bytes=900)
    for number in range(20):
        await sink.write(orjson.dumps({"number": number}))
        clock.advance(1)
    sink.close()
    (folder / "audit[1]-notes.txt").write_text("not of the log")
    files = log.files(path)
    assert len(files) > 3 and chain.verify(files).lines == 20
    return files


def _lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("of", [0, 1, -1])
async def test_a_change_in_any_part_names_part_and_line(tmp_path: Path, of: int) -> None:
    files = await _rotated(tmp_path)
    lines = _lines(files[of])
    files[of].write_bytes(b"".join([lines[0], lines[1].replace(b"number", b"nimber"), *lines[2:]]))
    with pytest.raises(chain.Broken) as broken:
        chain.verify(files)
    assert str(broken.value) == f"{files[of]}:2: the line was changed"


async def test_lines_moved_from_part_to_part_show_where_they_are_missed_first(tmp_path: Path) -> None:
    files = await _rotated(tmp_path)
    first, second = _lines(files[0]), _lines(files[1])
    files[0].write_bytes(b"".join(first[:-1]))
    files[1].write_bytes(b"".join([*second[:1], first[-1], *second[1:]]))
    with pytest.raises(chain.Broken) as broken:
        chain.verify(files)
    assert str(broken.value).startswith(f"{files[1]}:1: the line does not follow the one before")


async def test_a_part_that_is_gone_or_empty_or_out_of_order_shows_at_the_next(tmp_path: Path) -> None:
    files = await _rotated(tmp_path)
    for tampered in ([files[0], *files[2:]], [files[1], files[0], *files[2:]]):
        with pytest.raises(chain.Broken, match=r":1: the line does not follow"):
            chain.verify(tampered)
    files[1].write_bytes(b"")
    with pytest.raises(chain.Broken) as broken:
        chain.verify(files)
    assert str(broken.value).startswith(f"{files[2]}:1: ")


async def test_the_oldest_parts_may_be_gone_and_that_is_told(tmp_path: Path) -> None:
    files = await _rotated(tmp_path)
    assert not chain.verify(files[1:]).whole


async def test_secrets_are_read_again_when_a_full_log_has_room_again(tmp_path: Path) -> None:
    """The operating system refuses to let the file grow; the server reads no Secret, and does all else."""
    path, clock = tmp_path / "audit.log", FakeClock()
    sink = log.Log(path, clock)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with api_server.running(recorder=Recorder(policy.DEFAULT, sink, clock)) as server:
        await server.create_secret("a")
        secret = "/api/v1/namespaces/default/secrets/a"
        assert (await server.get(secret)).status == 200
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 99, limits[1]))
        try:
            answers = [await server.get(secret) for _ in range(3)]
            assert [answer.status for answer in answers] == [500] * 3
            assert not any("dmFsdWU" in answer.text for answer in answers)
            assert (await server.get("/api/v1/namespaces/default/configmaps")).status == 200
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert (await server.get(secret)).status == 200
    sink.close()
    assert chain.verify(log.files(path)).whole


async def test_a_folder_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        log.Log(tmp_path / "file" / "audit.log", FakeClock())
