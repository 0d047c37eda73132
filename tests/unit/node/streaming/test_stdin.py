"""Standard input between a client and a process."""

import asyncio
import os
from pathlib import Path

from strongroom.node.streaming import fifos, stdin


async def pipe(tmp_path: Path) -> tuple[fifos.Reader, fifos.Writer]:
    path = tmp_path / "stdin"
    os.mkfifo(path)
    reader = fifos.Reader.open(path)
    return reader, await fifos.Writer.open(path)


async def test_in_order_to_the_end(tmp_path: Path) -> None:
    reader, writer = await pipe(tmp_path)
    queue = stdin.Stdin()
    for part in (b"a", b"", b"b"):
        queue.put(part)
    queue.close()
    queue.put(b"too late")
    assert await queue.run(writer)
    assert await reader.read() == b"ab"
    reader.close()
    writer.close()


async def test_a_full_queue_has_room_again_when_the_process_reads(tmp_path: Path) -> None:
    reader, writer = await pipe(tmp_path)
    queue = stdin.Stdin(limit=4)
    queue.put(b"abc")
    assert await queue.has_room(0)
    queue.put(b"de")
    assert not await queue.has_room(0)
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.run(writer))
        assert await queue.has_room(1)
        queue.close()
    assert await reader.read() == b"abcde"
    reader.close()
    writer.close()


async def test_input_that_nobody_reads_any_more_is_dropped(tmp_path: Path) -> None:
    reader, writer = await pipe(tmp_path)
    queue = stdin.Stdin(limit=4)
    queue.put(b"abcdef")
    reader.close()
    assert not await queue.run(writer)
    queue.put(b"abcdef")
    assert await queue.has_room(0)
    writer.close()
