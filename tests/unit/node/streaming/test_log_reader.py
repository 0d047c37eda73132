"""Reading and following log files."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from strongroom.node.streaming import log_reader
from strongroom.node.streaming.log_options import LogOptions


def line(text: str) -> str:
    return f"2026-01-02T03:04:05.000000001Z stdout F {text}\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "0.log"
    path.write_text("".join(line(f"line {number}") for number in range(5)))
    return path


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(line(text))


class Container:
    """One that ends when it is told to."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    async def ended(self) -> None:
        await self.over.wait()


async def whole(path: Path, options: LogOptions) -> bytes:
    async with aclosing(log_reader.read(path, options, Container().ended)) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def following(path: Path, container: Container, lines: int | None = 0) -> AsyncGenerator[bytes]:
    return log_reader.read(path, LogOptions(follow=True, tail_lines=lines), container.ended)


async def test_all(log: Path) -> None:
    assert await whole(log, LogOptions()) == b"".join(b"line %d\n" % number for number in range(5))


@pytest.mark.parametrize(("tail", "expected"), [(0, b""), (2, b"line 3\nline 4\n"), (5, None), (9, None)])
async def test_tail(log: Path, tail: int, expected: bytes | None) -> None:
    wanted = await whole(log, LogOptions()) if expected is None else expected
    assert await whole(log, LogOptions(tail_lines=tail)) == wanted


async def test_tail_of_a_long_log(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reader, "_CHUNK", 7)
    for tail in range(7):
        everything = [b"line %d\n" % number for number in range(5)]
        assert await whole(log, LogOptions(tail_lines=tail)) == b"".join(everything[max(0, 5 - tail) :])


async def test_limit(log: Path) -> None:
    assert await whole(log, LogOptions(limit_bytes=9)) == b"line 0\nli"


async def test_no_log(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await whole(tmp_path / "0.log", LogOptions())


async def test_following_gives_lines_as_they_are_written(log: Path) -> None:
    container = Container()
    async with aclosing(await following(log, container, lines=1)) as chunks:
        assert await anext(chunks) == b"line 4\n"
        append(log, "new")
        assert await anext(chunks) == b"new\n"


async def test_following_ends_with_the_container_and_misses_nothing(log: Path) -> None:
    container = Container()
    async with aclosing(await following(log, container)) as chunks:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(anext(chunks))
            await asyncio.sleep(0)
            append(log, "last words")
            container.over.set()
        assert waiting.result() == b"last words\n"
        assert [chunk async for chunk in chunks] == []


async def test_following_goes_on_through_a_rotation(log: Path) -> None:
    container = Container()
    async with aclosing(await following(log, container, lines=1)) as chunks:
        assert await anext(chunks) == b"line 4\n"
        rotated = log.rename(log.with_name("0.log.20260102-030405"))
        append(rotated, "end of the old")
        append(log, "begin of the new")
        assert await anext(chunks) == b"end of the old\n"
        assert await anext(chunks) == b"begin of the new\n"


async def test_a_log_that_is_rotated_away_altogether_does_not_end_it(log: Path) -> None:
    container = Container()
    async with aclosing(await following(log, container, lines=1)) as chunks:
        assert await anext(chunks) == b"line 4\n"
        log.unlink()
        container.over.set()
        assert [chunk async for chunk in chunks] == []


async def test_following_stops_at_the_limit(log: Path) -> None:
    options = LogOptions(follow=True, limit_bytes=4)
    async with aclosing(log_reader.read(log, options, Container().ended)) as chunks:
        assert [chunk async for chunk in chunks] == [b"line"]
