"""Clients other than kubectl, each as its users have it: configured by nothing but a kubeconfig."""

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing import cluster as clusters
from strongroom.testing.kubectl import Kubectl

TOOLS = Path(__file__).resolve().parents[3] / ".tools"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(autouse=True)
def sockets_left_open() -> Iterator[None]:
    """Client libraries leave connections to the garbage collector: they go here, not in another test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(params=["helm-3.17", "helm-4.1"])
def helm(request: pytest.FixtureRequest, cluster: clusters.Cluster, namespace: str) -> Kubectl:
    """Stock Helm, with the namespace of the test as its default."""
    binary = TOOLS / request.param / "helm"
    if not binary.exists():
        pytest.skip(f"no {request.param} on this machine: scripts/test-tools")
    return cluster.kubectl(binary, namespace)


@pytest.fixture
def kubeconfig(latest: Kubectl) -> str:
    """The path of a kubeconfig whose default namespace is the test's own."""
    return str(latest.kubeconfig)
