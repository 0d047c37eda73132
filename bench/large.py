"""A store with 100,000 Secrets: start on it, memory, full list, and GET beside what it was with 1,000."""

import asyncio
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import filling, processes, wrk
from bench.result import Figure
from bench.target import Options, Target
from bench.works import list_many, memory
from strongroom.testing.cluster import PROGRAM, Cluster

SMALL, LARGE = 1_000, 100_000
REPEATS = 5
SETTLE = 5.0
ALTERNATIONS = 3
"""Times that GET is measured on each: what else the machine does comes and goes."""
PATH = "/api/v1/namespaces/default/secrets"
ONE = f"{PATH}/s00500"


def run(options: Options) -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="strongroom-bench-") as small,
        tempfile.TemporaryDirectory(prefix="strongroom-bench-") as large,
        Cluster(Path(small), node=False) as few,
        Cluster(Path(large), node=False) as many,
    ):
        asyncio.run(filling.fill(_target(few), PATH, SMALL))
        asyncio.run(filling.fill(_target(many), PATH, LARGE))
        many.stop()
        many.start()
        started = many.ready_after
        time.sleep(SETTLE)
        idle = memory.run(_target(many), options)[0].value
        with _target(many).api() as api:
            lists = [list_many.whole(api, PATH) for _ in range(REPEATS)]
            pages, paged = list_many.paged(api, PATH)
        gets = [(_get(few, options), _get(many, options)) for _ in range(ALTERNATIONS)]
        after = memory.run(_target(many), options)[0].value
        size = sum(path.stat().st_size for path in (many.data_dir / "store").glob("strongroom.db*"))
        rotated = _rotate(many)
    before, beside = (
        statistics.median(load.per_second for load, _ in loads) for loads in zip(*gets, strict=True)
    )
    less, taken = (statistics.median(cpu for _, cpu in loads) for loads in zip(*gets, strict=True))
    failures = sum(load.failures for pair in gets for load, _ in pair)
    missing = sum(items != LARGE for _, _, items in lists)
    name = f"{LARGE // 1000}k Secrets"
    note = f"{lists[0][1] / 1e6:.0f} MB, median of {REPEATS}"
    return [
        Figure(f"{name}: start to ready", started, "s", "lower"),
        Figure(f"{name}: resident memory, idle", idle, "MB", "lower"),
        Figure(f"{name}: resident memory, after lists", after, "MB", "lower"),
        Figure(
            f"{name}: full list", statistics.median(took for took, _, _ in lists), "s", "lower", missing, note
        ),
        Figure(f"{name}: full list in pages", pages, "s", "lower", int(paged != LARGE)),
        Figure(f"{name}: GET one", beside, "/s", "higher", failures, f"{before:,.0f} with {SMALL // 1000}k"),
        Figure(f"{name}: GET beside {SMALL // 1000}k", beside / before, "times", "higher"),
        Figure(
            f"{name}: processor time of a GET beside {SMALL // 1000}k",
            taken / less,
            "times",
            "lower",
            failures,
            f"{taken:.0f} us, {less:.0f} us with {SMALL // 1000}k",
        ),
        Figure(f"{name}: files of the store", size / 1e6, "MB", "lower"),
        Figure(
            f"{name}: keys rotate on the running server",
            rotated["seconds"],
            "s",
            "lower",
            rotated["underOlderKeys"] + rotated["unreadable"],
            f"{rotated['rewritten'] / rotated['seconds']:,.0f}/s",
        ),
    ]


def _rotate(cluster: Cluster) -> Any:
    """What `strongroom keys rotate` says."""
    command = [str(PROGRAM), "keys", "rotate", "--data-dir", str(cluster.data_dir), "-o", "json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def _target(cluster: Cluster) -> Target:
    return Target("strongroom", cluster.kubeconfig, [cluster.pid])


def _get(cluster: Cluster, options: Options) -> tuple[wrk.Load, float]:
    """And how many microseconds of the processor each took."""
    target = _target(cluster)
    before = processes.cpu_seconds(target.pids)
    load = wrk.run(target, options, "get.lua", ONE)
    spent = processes.cpu_seconds(target.pids) - before
    return load, spent / max(1, load.answers) * 1e6
