"""The audit log: what was written stays as it was, or it shows."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.aio.clock import FakeClock
from strongroom.server.audit import chain, log


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
