"""Clusters of a test's own: to be stopped, killed and looked into."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.machine import Machine

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


@pytest.fixture
def server(make: Make) -> Cluster:
    made = make(node=False)
    made.start()
    return made


@pytest.fixture
def machine(server: Cluster, tmp_path: Path, registry_config: Path) -> Iterator[Machine]:
    """A machine that has joined `server`."""
    directory = tmp_path / "machine"
    directory.mkdir()
    token = subprocess.run(
        [PROGRAM, "token", "create"],
        env={**os.environ, "KUBECONFIG": str(server.kubeconfig)},
        capture_output=True,
        check=True,
    )
    (directory / "token").write_bytes(token.stdout)
    command = [str(PROGRAM), "node", "--server", server.url, "--token-file", str(directory / "token")]
    command += ["--ca-file", str(_authority(server, directory)), "--node-name", "n1", "--port", "0"]
    made = Machine(directory, [*command, "--registry-config", str(registry_config)])
    try:
        made.start()
        yield made
    finally:
        made.clean()


def _authority(server: Cluster, directory: Path) -> Path:
    kubectl = server.kubectl(PROGRAM.parent / "kubectl")
    path = directory / "ca.crt"
    path.write_text(
        kubectl.ok("get", "configmap", "kube-root-ca.crt", "-o", r"jsonpath={.data.ca\.crt}"),
    )
    return path
