"""A list of 10,000 Secrets in one answer, read to its last byte."""

import asyncio
import statistics
import time

from bench.result import Figure
from bench.target import Options, Target
from strongroom.testing import raw_http

TITLE = "list 10k Secrets"
NEEDS_NODE = False
COUNT = 10_000
REPEATS = 9
WRITERS = 16


def run(target: Target, options: Options) -> list[Figure]:
    with target.namespace() as namespace, target.api() as api:
        path = f"/api/v1/namespaces/{namespace}/secrets"
        asyncio.run(fill(target, path))
        items = len(api.ok("GET", path)["items"])
        times, sizes = [], []
        for _ in range(REPEATS):
            began = time.perf_counter()
            reply = api.request("GET", path, headers={"Accept-Encoding": "identity"})
            times.append(time.perf_counter() - began)
            sizes.append(len(reply.body))
    note = f"{sizes[0] / 1e6:.1f} MB, median of {REPEATS}"
    return [Figure(TITLE, statistics.median(times) * 1000, "ms", "lower", abs(COUNT - items), note)]


async def fill(target: Target, path: str) -> None:
    """Create the Secrets over several connections."""
    numbers = iter(range(COUNT))

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
