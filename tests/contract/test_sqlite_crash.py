"""kill -9 at any moment loses nothing that was acknowledged."""

import asyncio
import os
import random
import sqlite3
import sys
from pathlib import Path

import pytest

from strongroom.store.engines.sqlite import SQLiteEngine
from strongroom.testing.engine_contract.base import running, seeded, take, watching

CRASHES = int(os.environ.get("STRONGROOM_TEST_CRASHES", "20"))


async def write_and_die(path: Path, chosen: random.Random, writer: str) -> dict[int, tuple[str, str]]:
    """What one process acknowledged before it was killed: revision -> key and value."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "strongroom.testing.crash_writer",
        str(path),
        str(chosen.random()),
        writer,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    acknowledged: dict[int, tuple[str, str]] = {}
    enough = chosen.choice([1, 10, 100, 300])
    killed = False
    # What is in the pipe when it dies was acknowledged too.
    async for line in process.stdout:
        if not line.endswith(b"\n"):
            break
        revision, key, value = line.decode().split()
        acknowledged[int(revision)] = (key, value)
        if len(acknowledged) >= enough and not killed:
            process.kill()
            killed = True
    assert await process.wait() == -9
    return acknowledged


@pytest.mark.slow
@pytest.mark.parametrize("writer", ["thread", "process"])
async def test_acknowledged_writes_survive_kill_9(tmp_path: Path, writer: str) -> None:
    chosen = seeded()
    path = tmp_path / "store.db"
    acknowledged: dict[int, tuple[str, str]] = {}
    for _ in range(CRASHES):
        new = await write_and_die(path, chosen, writer)
        assert new and not new.keys() & acknowledged.keys()
        acknowledged |= new
        async with running(lambda: SQLiteEngine(path)) as engine:
            current = await engine.current_revision()
            async with watching(engine, "/registry/", 1) as events:
                log = await take(events, current - 1)
            found = await engine.range("/registry/")
        assert [event.kv.mod_revision for event in log] == list(range(2, current + 1))
        stored = {
            event.kv.mod_revision: (event.kv.key, "-" if event.deleted else event.kv.value.decode())
            for event in log
        }
        assert {revision: stored.get(revision) for revision in acknowledged} == acknowledged
        live = {event.kv.key: event.kv for event in log}
        live = {key: kv for key, kv in live.items() if kv.version}
        assert {kv.key: kv for kv in found.items} == live
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
