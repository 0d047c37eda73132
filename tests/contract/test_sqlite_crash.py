"""kill -9 at any moment loses nothing that was acknowledged, and torn files are not taken for whole ones.

`make robustness` runs these a thousand times (STRONGROOM_TEST_CRASHES)."""

import asyncio
import functools
import os
import random
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from strongroom.store import errors
from strongroom.store.engines.sqlite import SQLiteEngine
from strongroom.testing.engine_contract.base import running, seeded, take, watching

CRASHES_PER_DATABASE = 50
"""All revisions are read after each kill, so a long run begins a new database now and then."""

CRASHES = int(os.environ.get("STRONGROOM_TEST_CRASHES", "20"))


async def start(path: Path, chosen: random.Random, writer: str) -> asyncio.subprocess.Process:
    """A process that writes without a pause and says what is acknowledged."""
    return await asyncio.create_subprocess_exec(
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


async def write_and_die(path: Path, chosen: random.Random, writer: str) -> dict[int, tuple[str, str]]:
    """What one process acknowledged before it was killed: revision -> key and value."""
    process = await start(path, chosen, writer)
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


async def write_and_stop(path: Path, copy: Path, chosen: random.Random) -> dict[int, tuple[str, str]]:
    """What a process had acknowledged when it was stopped and its files were copied, as a power cut finds
    them: written up to some system call."""
    process = await start(path, chosen, "thread")
    assert process.stdout is not None
    acknowledged: dict[int, tuple[str, str]] = {}
    for _ in range(chosen.choice([1, 30, 200])):
        revision, key, value = (await process.stdout.readline()).decode().split()
        acknowledged[int(revision)] = (key, value)
    process.send_signal(signal.SIGSTOP)
    shutil.copytree(path.parent, copy)
    process.kill()
    await process.communicate()
    return acknowledged


@pytest.mark.slow
async def test_log_torn_anywhere_is_whole_or_refused(tmp_path: Path) -> None:
    """Never does a database open that has lost what was acknowledged."""
    chosen = seeded()
    refused = whole = 0
    for number in range(CRASHES):
        path, copy = tmp_path / f"{number}" / "store.db", tmp_path / f"copy-{number}"
        path.parent.mkdir()
        acknowledged = await write_and_stop(path, copy, chosen)
        log = copy / "store.db-wal"
        size = log.stat().st_size
        if number % 3:
            # Cut off mostly near the end, where a cut can go unnoticed.
            os.truncate(log, size - chosen.choice([1, 100, 4096, 5000, chosen.randrange(1, size)]))
        else:
            content = bytearray(log.read_bytes())
            content[chosen.randrange(max(0, size - 100_000), size)] ^= 1 << chosen.randrange(8)
            log.write_bytes(content)
        try:
            async with running(functools.partial(SQLiteEngine, copy / "store.db")) as engine:
                current = await engine.current_revision()
                async with watching(engine, "/registry/", 1) as events:
                    kept = {event.kv.mod_revision: event for event in await take(events, current - 1)}
            whole += 1
            for revision, (key, value) in acknowledged.items():
                event = kept[revision]
                assert (event.kv.key, "-" if event.deleted else event.kv.value.decode()) == (key, value)
        except errors.Corrupt as error:
            refused += 1
            assert "strongroom restore FILE" in str(error)
        shutil.rmtree(copy)
        shutil.rmtree(path.parent)
    print(f"{whole} whole, {refused} refused")  # noqa: T201
    assert refused > 0


@pytest.mark.slow
@pytest.mark.parametrize("writer", ["thread", "process"])
async def test_acknowledged_writes_survive_kill_9(tmp_path: Path, writer: str) -> None:
    chosen = seeded()
    acknowledged: dict[int, tuple[str, str]] = {}
    for number in range(CRASHES):
        path = tmp_path / f"{number // CRASHES_PER_DATABASE}.db"
        if number % CRASHES_PER_DATABASE == 0:
            acknowledged.clear()
        new = await write_and_die(path, chosen, writer)
        assert new and not new.keys() & acknowledged.keys()
        acknowledged |= new
        async with running(functools.partial(SQLiteEngine, path)) as engine:
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
    print(f"{CRASHES} kills, all acknowledged writes there, none invented")  # noqa: T201
