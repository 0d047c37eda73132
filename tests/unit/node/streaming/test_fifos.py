"""Named pipes without blocking: nothing lost, nothing left open."""

import asyncio
import os
from pathlib import Path

import pytest

from strongroom.node.streaming import fifos


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


async def collect(reader: fifos.Reader) -> bytes:
    data = b""
    while chunk := await reader.read():
        data += chunk
    return data


async def test_a_reader_waits_for_its_first_writer(fifo: Path) -> None:
    reader = fifos.Reader.open(fifo)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(collect(reader))
        writer = await fifos.Writer.open(fifo)
        await writer.write(b"one")
        await writer.write(b"two")
        writer.close()
    reader.close()
    assert reading.result() == b"onetwo"


async def test_a_writer_that_came_and_went_before_the_first_read_is_not_missed(fifo: Path) -> None:
    reader = fifos.Reader.open(fifo)
    with fifo.open("wb") as writer:
        writer.write(b"early")
    assert await collect(reader) == b"early"
    reader.close()


async def test_a_writer_waits_for_its_reader(fifo: Path) -> None:
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(fifos.Writer.open(fifo))
        await asyncio.sleep(0)
        reader = fifos.Reader.open(fifo)
    opening.result().close()
    reader.close()


async def test_more_than_a_pipe_holds_goes_through_unharmed(fifo: Path) -> None:
    data = os.urandom(5_000_000)
    reader = fifos.Reader.open(fifo)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(collect(reader))
        writer = await fifos.Writer.open(fifo)
        await writer.write(data)
        writer.close()
    reader.close()
    assert reading.result() == data


async def test_writing_to_nobody_is_a_broken_pipe(fifo: Path) -> None:
    reader = fifos.Reader.open(fifo)
    writer = await fifos.Writer.open(fifo)
    reader.close()
    with pytest.raises(BrokenPipeError):
        await writer.write(b"x")
    writer.close()


async def test_an_idle_stream_is_given_up_but_not_before_it_was_read(fifo: Path) -> None:
    reader = fifos.Reader.open(fifo)
    writer = await fifos.Writer.open(fifo)
    await writer.write(b"last words")
    reader.end_when_idle(0.01)
    assert await collect(reader) == b"last words"
    writer.close()
    reader.close()


async def test_a_read_under_way_is_given_up_too(fifo: Path) -> None:
    reader = fifos.Reader.open(fifo)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(reader.read())
        await asyncio.sleep(0)
        reader.end_when_idle(0.0)
    assert reading.result() == b""
    reader.close()


async def test_cancelling_twice_leaves_nothing_registered(fifo: Path) -> None:
    reader = fifos.Reader.open(fifo)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(reader.read())
        await asyncio.sleep(0)
        reading.cancel()
        reading.cancel()
    assert reading.cancelled()
    assert not asyncio.get_running_loop().remove_reader(reader._descriptor)
    reader.close()


def test_fifos_come_and_go_with_their_directory(tmp_path: Path) -> None:
    pipes = fifos.Fifos(tmp_path / "e", stdin=True, stderr=False)
    assert pipes.stdin is not None and pipes.stdin.is_fifo() and pipes.stdout.is_fifo()
    assert pipes.stderr is None
    assert (tmp_path / "e").stat().st_mode & 0o777 == 0o700
    pipes.remove()
    assert not (tmp_path / "e").exists()
    pipes.remove()


async def test_many_small_writes_are_read_in_large_pieces(fifo: Path) -> None:
    reader = fifos.Reader.open(fifo)
    sizes = []
    async with asyncio.TaskGroup() as group:
        writer = await fifos.Writer.open(fifo)

        async def write() -> None:
            for _ in range(3000):
                await writer.write(b"x" * 100)
                await asyncio.sleep(0)
            writer.close()

        group.create_task(write())
        while data := await reader.read():
            sizes.append(len(data))
    reader.close()
    assert sum(sizes) == 300_000
    assert len(sizes) < 1500
