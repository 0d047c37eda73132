"""Containers outlive Strongroom: after a stop or a crash the next start finds them as they were."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing import expect, manifests
from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.kubectl import Kubectl

Make = Callable[..., Cluster]


def state(kubectl: Kubectl) -> dict[str, Any]:
    """What must not change: which container runs since when, under which process."""
    status = json.loads(kubectl.ok("get", "pod", "p", "-ojson"))["status"]
    container = status["containerStatuses"][0]
    kept = {name: container[name] for name in ("containerID", "restartCount", "state", "ready")}
    started = kubectl.ok("exec", "p", "--", "cut", "-d ", "-f22", "/proc/1/stat")
    return kept | {"process": started, "ip": status["podIP"]}


@pytest.mark.parametrize("how", ["stop", "kill9"])
def test_containers_are_found_again(make: Make, registry_config: Path, how: str) -> None:
    cluster = make(registry_config=registry_config)
    cluster.start()
    kubectl = cluster.kubectl(PROGRAM.parent / "kubectl")
    volume = {"/s": {"secret": {"secretName": "a"}}}
    pod = manifests.pod("p", volumes=volume)
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.secret("a", {"k": "old"}), pod))
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    before = state(kubectl)

    if how == "stop":
        assert cluster.stop() == 0
    else:
        cluster.kill9()
    cluster.start()

    kubectl.ok("wait", "--for=condition=Ready", "node/n1", "--timeout=20s")
    expect.until(lambda: kubectl("exec", "p", "--", "true").code == 0, what="exec after the restart")
    assert state(kubectl) == before
    kubectl.ok("patch", "secret", "a", "-p", '{"stringData":{"k":"new"}}')
    # The agent that has just started tells of it as the one before would have.
    delivered = [str(PROGRAM), "delivery", "secret", "a", "--wait", "--timeout", "20s"]
    subprocess.run([*delivered, "--kubeconfig", str(cluster.kubeconfig)], check=True)
    assert kubectl.ok("exec", "p", "--", "cat", "/s/k") == "new"
    kubectl.ok("delete", "pod", "p", timeout=30)
    assert cluster.stop() == 0
    assert "Traceback" not in cluster.output.read_text()
