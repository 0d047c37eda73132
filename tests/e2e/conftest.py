"""One cluster for the whole run: a real `strongroom up`, real containerd, images from a registry beside
it."""

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing import api as plain_api
from strongroom.testing import cluster as clusters
from strongroom.testing import images
from strongroom.testing import kubectl as kubectls
from strongroom.testing import registry as registries

ROOT = Path(__file__).resolve().parents[2]
CURRENT = Path(sys.executable).parent / "kubectl"
OLDEST = ROOT / ".tools" / "kubectl-1.32" / "kubectl"
BINARIES = {"kubectl-1.32": OLDEST, "kubectl-1.37": CURRENT}


LONGEST = "test_kill_under_load.py"
ORDER = ("process", "clients", "node", "tutorial", "api", "kubectl")
"""Folders whose tests take long come first: what is left for the end is short, and no worker waits long for
another."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.containerd)
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """Where an item's file comes; the order within a folder stays."""
    folder = item.path.parent.name
    if item.path.name == LONGEST:
        return 0
    return 1 + ORDER.index(folder) if folder in ORDER and "e2e" in item.path.parts else 0


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registries.Registry]:
    """A registry for anyone, with the images that the tutorial names."""
    with registries.Registry(tmp_path_factory.mktemp("registry")) as running:
        running.push("library/nginx:latest", images.nginx())
        running.push("library/nginx:1.17.1", images.nginx("1.17.1"))
        yield running


@pytest.fixture(scope="session")
def registry_config(registry: registries.Registry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `certs.d` directory that leads the well-known names to `registry`."""
    directory = tmp_path_factory.mktemp("certs.d")
    registries.write_hosts(directory, ["docker.io", "registry.k8s.io"], registry.address)
    return directory


@pytest.fixture(scope="session")
def cluster(registry_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[clusters.Cluster]:
    """The cluster that tests share. A test that stops, kills or fills a cluster makes its own."""
    if os.geteuid() != 0 or not shutil.which("containerd"):
        pytest.skip("needs root and containerd")
    directory = tmp_path_factory.mktemp("cluster")
    record = ("--audit-log-path", str(directory / "data" / "audit" / "audit.log"))
    shared = clusters.Cluster(directory, registry_config=registry_config, flags=record)
    with shared:
        yield shared


@pytest.fixture
def namespace(api: plain_api.API) -> Iterator[str]:
    """A namespace of this test's own."""
    name = f"test-{secrets.token_hex(4)}"
    api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(params=list(BINARIES))
def kubectl(request: pytest.FixtureRequest, cluster: clusters.Cluster, namespace: str) -> kubectls.Kubectl:
    """Stock kubectl, the oldest and the newest that are supported, in a namespace of its own."""
    binary = BINARIES[request.param]
    if not binary.exists():
        pytest.skip(f"no {request.param} on this machine: scripts/test-tools")
    return cluster.kubectl(binary, namespace)


@pytest.fixture
def latest(cluster: clusters.Cluster, namespace: str) -> kubectls.Kubectl:
    """The newest kubectl alone, where its version makes no difference."""
    return cluster.kubectl(CURRENT, namespace)


@pytest.fixture
def api(cluster: clusters.Cluster) -> Iterator[plain_api.API]:
    """The API without kubectl in between."""
    with plain_api.API(plain_api.Access.read(cluster.kubeconfig)) as connection:
        yield connection
