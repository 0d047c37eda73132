"""Clusters of a test's own: to be stopped, killed and looked into."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.testing.cluster import Cluster

Make = Callable[..., Cluster]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make clusters below `tmp_path` (arguments as for `Cluster`), not started; they are removed
    afterwards."""
    made: list[Cluster] = []

    def one(name: str = "own", **fields: object) -> Cluster:
        made.append(Cluster(tmp_path / name, **fields))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for cluster in made:
        cluster.clean()
