"""Many clients that connect and say nothing: others are still served, also where few files may be open."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing import expect
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import Cluster

FILES, CLIENTS, SECONDS = 640, 1500, 4.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    limited = ("prlimit", f"--nofile={FILES}:{FILES}", "--")
    with Cluster(tmp_path / "own", node=False, wrapper=limited) as made:
        yield made


def _knock(cluster: Cluster, stack: contextlib.ExitStack) -> None:
    """All at once, without a word after that."""
    for _ in range(CLIENTS):
        made = stack.enter_context(socket.socket())
        made.setblocking(False)
        made.connect_ex((cluster.host, cluster.port))
    time.sleep(SECONDS)


def test_clients_that_say_nothing_take_nobody_elses_place(cluster: Cluster) -> None:
    access = Access.read(cluster.kubeconfig)

    def served() -> bool:
        with contextlib.suppress(OSError), API(access, timeout=3) as api:
            return bool(api.request("GET", "/api/v1/namespaces/default").status == 200)
        return False

    with contextlib.ExitStack() as stack:
        _knock(cluster, stack)
        expect.until(served, timeout=30, what="an answer")
    assert cluster.stop() == 0
    assert "Traceback" not in cluster.output.read_text()
