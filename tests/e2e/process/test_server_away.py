"""The API server goes away for a while: Pods, their Secrets and their restarts go on; the status catches up.

`SERVER_AWAY` sets for how many seconds.
"""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.cmd import settings
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri.client import CRIClient
from strongroom.testing import expect, manifests, remains
from strongroom.testing.cluster import PROGRAM, Cluster

Make = Callable[..., Cluster]
AWAY = float(os.environ.get("SERVER_AWAY", "6"))
RUNNING = pb.CONTAINER_RUNNING


class Machine:
    """`strongroom node` in a process of its own, and its containerd beside all APIs."""

    def __init__(self, directory: Path, command: list[str]) -> None:
        self.data_dir = directory / "data"
        self.run_dir = settings.default_run_dir(os.environ, self.data_dir)
        self._command = [*command, "--data-dir", str(self.data_dir)]
        self._output = directory / "output"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(self._command, stdout=output, stderr=output)

    def kill9(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def containers(self, pod: str) -> dict[int, str]:
        """The running containers of a Pod: number of the attempt to id."""
        found = self._ask(lambda cri: cri.list_containers({"io.kubernetes.pod.name": pod}))
        return {item.metadata.attempt: item.id for item in found if item.state == RUNNING}

    def run(self, container: str, *command: str) -> str:
        done = self._ask(lambda cri: cri.exec_sync(container, command, 5))
        return str(done.stdout.decode())

    def _ask(self, call: Callable[[CRIClient], Any]) -> Any:
        async def ask() -> Any:
            cri = CRIClient(f"unix://{self.run_dir}/containerd/containerd.sock")
            try:
                return await call(cri)
            finally:
                await cri.close()

        return asyncio.run(ask())

    def clean(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill9()
        remains.remove([self.data_dir, self.run_dir])


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
    command += ["--ca-file", str(authority(server, directory)), "--node-name", "n1", "--port", "0"]
    made = Machine(directory, [*command, "--registry-config", str(registry_config)])
    try:
        made.start()
        yield made
    finally:
        made.clean()


def authority(server: Cluster, directory: Path) -> Path:
    kubectl = server.kubectl(PROGRAM.parent / "kubectl")
    path = directory / "ca.crt"
    path.write_text(
        kubectl.ok("get", "configmap", "kube-root-ca.crt", "-o", r"jsonpath={.data.ca\.crt}"),
    )
    return path


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
