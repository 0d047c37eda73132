"""A list of 10,000 Secrets, in one answer and in pages, read to its last byte."""

import asyncio
import statistics
import time
import urllib.parse

from bench import filling
from bench.result import Figure
from bench.target import Options, Target
from strongroom.testing.api import API

TITLE = "list 10k Secrets"
NEEDS_NODE = False
COUNT = 10_000
REPEATS = 9
PAGE = 500
UNCOMPRESSED = {"Accept-Encoding": "identity"}


def run(target: Target, options: Options) -> list[Figure]:
    with target.namespace() as namespace, target.api() as api:
        path = f"/api/v1/namespaces/{namespace}/secrets"
        asyncio.run(filling.fill(target, path, COUNT))
        at_once = [whole(api, path) for _ in range(REPEATS)]
        in_pages = [paged(api, path) for _ in range(REPEATS)]
    note = f"{at_once[0][1] / 1e6:.1f} MB, median of {REPEATS}"
    return [
        Figure(
            TITLE,
            statistics.median(took for took, _, _ in at_once) * 1000,
            "ms",
            "lower",
            sum(items != COUNT for _, _, items in at_once),
            note,
        ),
        Figure(
            f"{TITLE}, {PAGE} at a time",
            statistics.median(took for took, _ in in_pages) * 1000,
            "ms",
            "lower",
            sum(items != COUNT for _, items in in_pages),
            f"{COUNT // PAGE} answers, median of {REPEATS}",
        ),
    ]


def whole(api: API, path: str) -> tuple[float, int, int]:
    """Seconds for one answer with all of them, its size and how many it holds."""
    began = time.perf_counter()
    reply = api.request("GET", path, headers=UNCOMPRESSED)
    took = time.perf_counter() - began
    return took, len(reply.body), len(reply.json()["items"])


def paged(api: API, path: str, size: int = PAGE) -> tuple[float, int]:
    """Seconds for all of them in pages, as kubectl asks for them, one after the other; how many they hold."""
    took, found, token = 0.0, 0, ""
    while True:
        query = urllib.parse.urlencode({"limit": size, "continue": token})
        began = time.perf_counter()
        reply = api.request("GET", f"{path}?{query}", headers=UNCOMPRESSED)
        took += time.perf_counter() - began
        page = reply.json()
        found += len(page["items"])
        token = page["metadata"].get("continue", "")
        if not token:
            return took, found
