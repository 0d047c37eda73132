"""Start to ready of `strongroom up --no-node`: on an empty data directory, and again on the same."""

import statistics
import tempfile
from pathlib import Path

from bench.result import Figure
from strongroom.testing.cluster import Cluster

REPEATS = 5


def run() -> list[Figure]:
    empty, again = [], []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as name:
            cluster = Cluster(Path(name), node=False)
            with cluster:
                empty.append(cluster.ready_after)
                cluster.stop()
                cluster.start()
                again.append(cluster.ready_after)
    note = f"median of {REPEATS}"
    return [
        Figure("start to ready, first", statistics.median(empty), "s", "lower", 0, note),
        Figure("start to ready, again", statistics.median(again), "s", "lower", 0, note),
    ]
