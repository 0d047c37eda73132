"""Pods are deleted while their node's agent is away: when it is back nothing is left of them on the machine,
and the others have not been touched."""

import json
import subprocess
from pathlib import Path
from typing import Any

from strongroom.testing import expect, manifests, node_traces, ports
from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.kubectl import Kubectl
from strongroom.testing.machine import Machine

NAMES = ("kept", "forced", "asked")
VOLUMES: dict[str, dict[str, object]] = {
    "/s": {"secret": {"secretName": "a"}},
    "/m": {"emptyDir": {"medium": "Memory"}},
    "/d": {"emptyDir": {}},
}


def pod(name: str, port: int) -> dict[str, Any]:
    key = {"secretKeyRef": {"name": "a", "key": "k"}}
    made = manifests.pod(name, env=[{"name": "K", "valueFrom": key}], volumes=VOLUMES)
    container = made["spec"]["containers"][0]
    container["ports"] = [{"containerPort": 80, "hostPort": port}]
    container["resources"] = {"limits": {"memory": "64Mi"}}
    return made


def found(kubectl: Kubectl) -> dict[str, Any]:
    items = json.loads(kubectl.ok("get", "pods", "-ojson"))["items"]
    return {each["metadata"]["name"]: each for each in items}


def rules() -> str:
    """All that the machine does with packets."""
    listed = (["nft", "list", "ruleset"], ["iptables-save"])
    return "".join(subprocess.run(each, capture_output=True, text=True, check=True).stdout for each in listed)


def groups(uid: str) -> list[Path]:
    """The control groups of a Pod, in all hierarchies."""
    root = Path("/sys/fs/cgroup")
    return [*root.glob(f"strongroom/pod{uid}"), *root.glob(f"*/strongroom/pod{uid}")]


def named(text: str, pod: Any) -> bool:
    """Whether the address of a Pod or its port on the machine stand in the rules."""
    words = text.replace("/", " ").replace(":", " ").split()
    port = str(pod["spec"]["containers"][0]["ports"][0]["hostPort"])
    return pod["status"]["podIP"] in words or port in words


def test_what_is_left_of_pods_deleted_while_the_agent_was_away_is_removed(
    server: Cluster, machine: Machine
) -> None:
    kubectl = server.kubectl(PROGRAM.parent / "kubectl")
    free = [ports.free_port() for _ in NAMES]
    pods = [pod(name, port) for name, port in zip(NAMES, free, strict=True)]
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.secret("a", {"k": "v"}), *pods))
    kubectl.ok(
        "wait", "--for=condition=Ready", *(f"pod/{name}" for name in NAMES), "--timeout=60s", timeout=70
    )
    before = found(kubectl)
    uids = {name: before[name]["metadata"]["uid"] for name in NAMES}
    assert all(named(rules(), each) for each in before.values())
    assert all(groups(uid) for uid in uids.values())

    machine.kill9()
    kubectl.ok("delete", "pod", "forced", "--force", "--grace-period=0")
    kubectl.ok("delete", "pod", "asked", "--wait=false")
    assert all(machine.containers(name) for name in NAMES), "nobody has ended them"
    there = node_traces.below(machine.data_dir / "node", machine.run_dir)
    assert sorted(there.volumes) == sorted(uids.values()) and len(there.environments) == 3

    machine.start()
    expect.until(lambda: set(found(kubectl)) == {"kept"}, timeout=60, what="the deletion")
    last: list[node_traces.Traces] = []

    def only_one_is_left() -> bool:
        last[:] = [node_traces.below(machine.data_dir / "node", machine.run_dir)]
        return sizes(last[0]) == {name: count // 3 for name, count in sizes(there).items()}

    expect.until(only_one_is_left, timeout=60, what=f"the removal: {last}")
    assert last[0].volumes == [uids["kept"]] and last[0].containers == ["kept/main"]
    assert all(str(uids["kept"]) in point for point in last[0].mounts)
    expect.until(lambda: not any(named(rules(), before[name]) for name in NAMES[1:]), what="the rules to go")
    expect.until(lambda: not groups(uids["forced"]) + groups(uids["asked"]), what="the groups to go")

    # The one that was not deleted: the same container, with all that it had.
    kept = found(kubectl)["kept"]
    (status,) = kept["status"]["containerStatuses"]
    assert (status["containerID"], status["restartCount"]) == (
        before["kept"]["status"]["containerStatuses"][0]["containerID"],
        0,
    )
    assert named(rules(), kept) and groups(uids["kept"])
    (container,) = machine.containers("kept").values()
    kubectl.ok("patch", "secret", "a", "-p", '{"stringData":{"k":"new"}}')
    expect.until(lambda: machine.run(container, "cat", "/s/k") == "new", what="the changed Secret")
    kubectl.ok("delete", "pod", "kept", timeout=40)
    assert "Traceback" not in machine.printed


def sizes(traces: node_traces.Traces) -> dict[str, int]:
    return {name: len(getattr(traces, name)) for name in traces.__dataclass_fields__}
