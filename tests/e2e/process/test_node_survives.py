"""The node's trouble: its agent killed at any moment, containerd killed, the machine rebooted.

What must hold: no container is started twice, Secret volumes are what they were, and nothing is left of Pods
that are gone. `NODE_KILLS` sets how often the agent is killed.
"""

import os
import pprint
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing import expect, manifests, node_traces, remains
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.kubectl import Kubectl

Make = Callable[..., Cluster]
PODS = "/api/v1/namespaces/default/pods"
KILLS = int(os.environ.get("NODE_KILLS", "1"))
VOLUMES: dict[str, dict[str, object]] = {
    "/s": {"secret": {"secretName": "a"}},
    "/m": {"emptyDir": {"medium": "Memory"}},
    "/d": {"emptyDir": {}},
}


@pytest.fixture
def cluster(make: Make, registry_config: Path) -> Cluster:
    """A node of this test's own, with the Secret `a`."""
    made = make(registry_config=registry_config)
    made.start()
    kubectl(made).ok("create", "-f", "-", stdin=manifests.text(manifests.secret("a", {"k": "v"})))
    return made


def kubectl(cluster: Cluster) -> Kubectl:
    return cluster.kubectl(PROGRAM.parent / "kubectl")


def pod(name: str) -> dict[str, Any]:
    made = manifests.pod(name, volumes=VOLUMES)
    key = {"secretKeyRef": {"name": "a", "key": "k"}}
    container = made["spec"]["containers"][0]
    container["env"] = [{"name": "K", "valueFrom": key}]
    container["volumeMounts"].append({"name": "v0", "mountPath": "/one", "subPath": "k"})
    made["spec"]["initContainers"] = [{**container, "name": "first", "command": ["true"]}]
    return made


def create(cluster: Cluster, *names: str) -> None:
    with API(Access.read(cluster.kubeconfig)) as api:
        for name in names:
            api.ok("POST", PODS, pod(name))


def delete(cluster: Cluster, *names: str) -> None:
    with API(Access.read(cluster.kubeconfig)) as api:
        for name in names:
            api.request("DELETE", f"{PODS}/{name}")


def running(cluster: Cluster) -> dict[str, tuple[str, int]]:
    """Container and restarts of each Pod that is ready."""
    with API(Access.read(cluster.kubeconfig)) as api:
        found = api.ok("GET", PODS)["items"]
    return {
        each["metadata"]["name"]: (status["containerID"], status["restartCount"])
        for each in found
        for status in each["status"].get("containerStatuses", ())
        if status["ready"]
    }


def wait_for(cluster: Cluster, names: set[str], timeout: float = 60) -> dict[str, tuple[str, int]]:
    """Until exactly these Pods are ready."""
    expect.until(lambda: set(running(cluster)) == names, timeout=timeout, what=f"{sorted(names)} ready")
    return running(cluster)


def last_states(cluster: Cluster) -> list[Any]:
    with API(Access.read(cluster.kubeconfig)) as api:
        found = api.ok("GET", PODS)["items"]
    return [each["lastState"] for item in found for each in item["status"].get("containerStatuses", ())]


def restarted_by_the_way(cluster: Cluster) -> list[Any]:
    """How containers ended that had run.

    One whose start was cut off with the agent that asked for it has never run; containerd tells of it as a
    `StartError` without a time, and it counts as a restart, for the kubelet too.
    """
    never = ("StartError", "1970-01-01T00:00:00Z")
    ended = [state["terminated"] for state in last_states(cluster) if state]
    return [each for each in ended if (each["reason"], each["startedAt"]) != never]


def leaves(cluster: Cluster, pods: int, seed: int) -> None:
    """Until there is what so many Pods have, and no more; orphans of containerd are looked for at leisure."""
    deadline = time.monotonic() + 40
    while True:
        found = node_traces.of(cluster)
        per_pod = {len(found.sandboxes), len(found.shims), len(found.volumes), len(found.logs)}
        if per_pod == {pods} and len(found.networks) == 2 * pods:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"NODE_SEED={seed}: more or less than {pods} pods have:\n{pprint.pformat(found)}")
        time.sleep(0.2)


def gone(cluster: Cluster) -> None:
    """Until nothing is left of any Pod, in the API and on the machine."""
    deadline = time.monotonic() + 60
    while (left := node_traces.of(cluster)) or running(cluster):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def test_an_agent_killed_at_any_moment_restarts_no_container_and_leaves_nothing(cluster: Cluster) -> None:
    seed = int(os.environ.get("NODE_SEED", time.time_ns() % 10_000))
    chance = random.Random(seed)
    print(f"NODE_SEED={seed}")  # noqa: T201
    create(cluster, "kept")
    kept = wait_for(cluster, {"kept"})["kept"]
    for number in range(KILLS):
        names = [f"p{number}-{index}" for index in range(3)]
        create(cluster, *names)
        time.sleep(chance.uniform(0, 1.2))
        cluster.kill9()
        cluster.start()
        # Whatever moment it was: each of them is started once, and the one that ran is not touched.
        before = wait_for(cluster, {"kept", *names})
        assert before["kept"] == kept, seed
        assert {before[name][1] for name in names} == {0}, (seed, last_states(cluster))
        leaves(cluster, 4, seed)
        delete(cluster, *names)
        time.sleep(chance.uniform(0, 0.5))
        cluster.kill9()
        if number % 2:
            # Those that are gone from the API when it comes back, as after a deletion by force.
            cluster.start()
            kubectl(cluster)("delete", "pod", *names, "--force", "--grace-period=0", "--ignore-not-found")
        else:
            cluster.start()
        assert wait_for(cluster, {"kept"})["kept"] == kept, seed
        leaves(cluster, 1, seed)
    read = ("exec", "kept", "-c", "main", "--", "cat", "/s/k", "/one")
    expect.until(lambda: kubectl(cluster)(*read).stdout == "vv", what="the Secret's files")
    delete(cluster, "kept")
    gone(cluster)
    assert "Traceback" not in cluster.output.read_text()


def containerd(cluster: Cluster) -> int:
    return int((cluster.run_dir / "containerd" / "containerd.pid").read_text().split()[0])


def test_a_containerd_that_goes_comes_back_and_pods_go_on(cluster: Cluster) -> None:
    create(cluster, "kept")
    kept = wait_for(cluster, {"kept"})
    create(cluster, "p")
    time.sleep(random.uniform(0, 0.6))
    os.kill(containerd(cluster), signal.SIGKILL)
    found = wait_for(cluster, {"kept", "p"})
    assert found["kept"] == kept["kept"]
    assert found["p"][1] == 0, last_states(cluster)
    # Events come again: an end is noticed, a changed Secret arrives.
    run = ("exec", "p", "-c", "main", "--")
    expect.until(lambda: kubectl(cluster)(*run, "true").code == 0)
    kubectl(cluster)(*run, "kill", "1")
    expect.until(lambda: running(cluster).get("p", ("", 0))[1] == 1, timeout=40)
    kubectl(cluster).ok("patch", "secret", "a", "-p", '{"stringData":{"k":"new"}}')
    read = ("exec", "kept", "-c", "main", "--", "cat", "/s/k")
    expect.until(lambda: kubectl(cluster)(*read).stdout == "new")
    delete(cluster, "p")
    os.kill(containerd(cluster), signal.SIGTERM)
    expect.until(lambda: set(running(cluster)) == {"kept"}, timeout=40)
    assert running(cluster)["kept"] == kept["kept"]
    delete(cluster, "kept")
    gone(cluster)


def test_after_a_reboot_all_pods_start_again_with_what_their_secrets_hold_then(cluster: Cluster) -> None:
    create(cluster, "p", "q")
    before = wait_for(cluster, {"p", "q"})
    cluster.kill9()
    # No process lives, nothing is mounted, /run is empty; the disk is as it was.
    remains.take_down([cluster.data_dir, cluster.run_dir])
    shutil.rmtree(cluster.run_dir)
    cluster.start()
    kubectl(cluster).ok("patch", "secret", "a", "-p", '{"stringData":{"k":"new"}}')
    expect.until(lambda: fresh(cluster, before), timeout=60)
    read = ("exec", "p", "-c", "main", "--", "cat", "/s/k")
    expect.until(lambda: kubectl(cluster)(*read).stdout == "new")
    assert {restarts for _, restarts in running(cluster).values()} == {1}
    delete(cluster, "p", "q")
    gone(cluster)
    assert "Traceback" not in cluster.output.read_text()


def fresh(cluster: Cluster, before: dict[str, tuple[str, int]]) -> bool:
    now = running(cluster)
    return set(now) == set(before) and all(now[name][0] != before[name][0] for name in before)
