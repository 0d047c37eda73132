"""The node's disk is full: what runs goes on and has its Secrets; what cannot start is told of."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.testing import expect, manifests, node_traces
from strongroom.testing.cluster import PROGRAM, Cluster

Make = Callable[..., Cluster]


@pytest.fixture
def cluster(make: Make, registry_config: Path) -> Iterator[Cluster]:
    """A cluster whose node has 64 MiB of disk; its database lies elsewhere."""
    if os.geteuid() != 0:
        pytest.skip("mounts a small file system")
    made = make(registry_config=registry_config)
    place = made.data_dir / "node"
    place.mkdir(parents=True)
    made.data_dir.chmod(0o711)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place], check=False).returncode:
        pytest.skip("tmpfs can't be mounted here")
    try:
        yield made
    finally:
        made.clean()
        subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)


def test_a_full_disk_stops_nothing_that_runs(cluster: Cluster) -> None:
    cluster.start()
    kubectl = cluster.kubectl(PROGRAM.parent / "kubectl")
    volume = {"/s": {"secret": {"secretName": "a"}}}
    secret = manifests.secret("a", {"k": "old"})
    kubectl.ok("create", "-f", "-", stdin=manifests.text(secret, manifests.pod("kept", volumes=volume)))
    kubectl.ok("wait", "--for=condition=Ready", "pod/kept", "--timeout=60s", timeout=70)
    filler = cluster.data_dir / "node" / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("late", volumes=volume)))

    def told() -> str:
        return kubectl.ok("get", "events", "--field-selector=involvedObject.name=late", "-ojson")

    expect.until(lambda: "no space left on device" in told().lower(), timeout=40, what="an Event")
    kubectl.ok("patch", "secret", "a", "-p", '{"stringData":{"k":"new"}}')
    read = ("exec", "kept", "--", "cat", "/s/k")
    expect.until(lambda: kubectl(*read).stdout == "new", what="the changed Secret on a full disk")
    count = "-ojsonpath={.status.containerStatuses[0].restartCount}"
    assert kubectl.ok("get", "pod", "kept", count) == "0"
    filler.unlink()
    kubectl.ok("wait", "--for=condition=Ready", "pod/late", "--timeout=60s", timeout=70)
    kubectl.ok("delete", "pod", "kept", "late", timeout=60)
    expect.until(lambda: not node_traces.of(cluster), timeout=40, what="nothing left")
    assert "Traceback" not in cluster.output.read_text()
