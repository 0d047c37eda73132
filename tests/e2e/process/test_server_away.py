"""The API server goes away for a while: Pods, their Secrets and their restarts go on; the status catches up.

`SERVER_AWAY` sets for how many seconds.
"""

import os
from collections.abc import Iterator

from strongroom.testing import expect, manifests
from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.machine import Machine

AWAY = float(os.environ.get("SERVER_AWAY", "6"))


def test_pods_go_on_while_the_server_is_away(server: Cluster, machine: Machine) -> None:
    kubectl = server.kubectl(PROGRAM.parent / "kubectl")
    expect.until(lambda: kubectl("get", "node", "n1").code == 0, timeout=40, what="the node")
    key = {"secretKeyRef": {"name": "a", "key": "k"}}
    pod = manifests.pod(
        "p",
        env=[{"name": "K", "valueFrom": key}],
        volumes={"/s": {"secret": {"secretName": "a"}}},
        command=["sh", "-c", "trap exit TERM QUIT; while :; do sleep .1; done"],
    )
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.secret("a", {"k": "v"}), pod))
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=60s", timeout=70)
    first = machine.containers("p")
    assert list(first) == [0]

    server.kill9()
    # A container that ends is started again with what its Secrets held when the server was last seen.
    machine.run(first[0], "kill", "1")
    second = expect.until(lambda: machine.containers("p").get(1, ""), timeout=30, what="the restart")
    assert machine.run(second, "sh", "-c", "echo $K; cat /s/k") == "v\nv"
    # The agent may go as well, and come again: it knows nothing then, and touches nothing.
    machine.kill9()
    machine.start()
    expect.until(lambda: "connect" in machine.printed.lower(), timeout=20, what="an agent without a server")
    still_there(machine, second)

    server.start()
    count = ("get", "pod", "p", "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
    expect.until(lambda: kubectl(*count).stdout == "1", timeout=60, what="the status")
    kubectl.ok("wait", "--for=condition=Ready", "node/n1", "pod/p", "--timeout=60s", timeout=70)
    assert machine.containers("p") == {1: second}
    kubectl.ok("patch", "secret", "a", "-p", '{"stringData":{"k":"new"}}')
    expect.until(lambda: machine.run(second, "cat", "/s/k") == "new", what="the changed Secret")
    kubectl.ok("delete", "pod", "p", timeout=40)
    assert "Traceback" not in machine.printed


def still_there(machine: Machine, container: str) -> None:
    """For as long as the server is away: the container runs, and has its Secret."""

    def looks() -> Iterator[str]:
        for _ in range(int(AWAY * 2)):
            yield machine.run(container, "sh", "-c", "sleep .5; cat /s/k")

    assert set(looks()) == {"v"}
    assert machine.containers("p") == {1: container}
