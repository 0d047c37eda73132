"""Many Secrets, created over several connections."""

import asyncio

from bench.target import Target
from strongroom.testing import raw_http

WRITERS = 16


async def fill(target: Target, path: str, count: int) -> None:
    """Create `count` Secrets named `s00000` and so on. Raises OSError when one is refused."""
    numbers = iter(range(count))

    async def write() -> None:
        async with raw_http.Connection(target.access) as connection:
            for number in numbers:
                body = {"metadata": {"name": f"s{number:05}"}, "data": {"password": "aWt1YmVybmV0ZXM="}}
                status, answer = await connection.request("POST", path, body)
                if status != 201:
                    raise OSError(f"create answered {status}: {answer[:200]!r}")

    async with asyncio.TaskGroup() as group:
        for _ in range(WRITERS):
            group.create_task(write())
