"""A process to kill: writes to a SQLite engine at random and says on stdout what was acknowledged.

`python -m strongroom.testing.crash_writer DATABASE SEED thread|process`. A line is `revision key value`;
value is "-" for a deletion. It is written after the call has returned and before the same worker's next call.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from strongroom.store.engines.sqlite import SQLiteEngine

WORKERS = 16
KEYS = 5


async def work(engine: SQLiteEngine, chosen: random.Random, worker: int) -> None:
    """One write after another to keys of the worker's own, for ever."""
    known: dict[str, int] = {}
    for kv in (await engine.range(f"/registry/w{worker}/")).items:
        known[kv.key] = kv.mod_revision
    while True:
        key = f"/registry/w{worker}/{chosen.randrange(KEYS)}"
        value = chosen.randbytes(chosen.choice([8, 600, 6000])).hex()
        if key not in known:
            revision = known[key] = await engine.create(key, value.encode())
        elif chosen.random() < 0.7:
            revision = known[key] = await engine.update(key, value.encode(), known[key])
        else:
            revision = await engine.delete(key, known.pop(key))
            value = "-"
        os.write(1, f"{revision} {key} {value}\n".encode())


async def main(path: str, seed: str, writer: str) -> None:
    """Until killed."""
    chosen = random.Random(seed)  # noqa: S311
    engine = SQLiteEngine(Path(path), own_process=writer == "process")
    await engine.start()
    async with asyncio.TaskGroup() as group:
        for worker in range(WORKERS):
            group.create_task(work(engine, chosen, worker))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
