"""What the pods of one node have left on the machine, wherever it may be: nothing, once they are gone."""

import asyncio
import dataclasses
import time
from pathlib import Path

from strongroom.node.containerd import mounts
from strongroom.node.cri.client import CRIClient
from strongroom.node.cri.errors import UnavailableError
from strongroom.testing.cluster import Cluster


@dataclasses.dataclass(frozen=True)
class Traces:
    """Each a list of names; all empty on a node without pods."""

    sandboxes: list[str]
    containers: list[str]
    shims: list[str]
    volumes: list[str]
    mounts: list[str]
    logs: list[str]
    environments: list[str]
    networks: list[str]
    execs: list[str]

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in dataclasses.fields(self))


def of(cluster: Cluster) -> Traces:
    """Look at the node of a cluster, whose containerd runs or is about to be brought back."""
    return below(cluster.data_dir / "node", cluster.run_dir)


def below(data_dir: Path, run_dir: Path) -> Traces:
    """Look at the node that has these directories."""
    try:
        sandboxes, containers = asyncio.run(_in_runtime(run_dir))
    except UnavailableError:
        time.sleep(2)
        sandboxes, containers = asyncio.run(_in_runtime(run_dir))
    return Traces(
        sandboxes=sandboxes,
        containers=containers,
        shims=_shims(run_dir / "containerd" / "containerd.sock"),
        volumes=_entries(data_dir / "pods"),
        mounts=[str(point) for point in mounts.below((data_dir / "pods").resolve())],
        logs=_entries(data_dir / "logs" / "pods"),
        environments=_entries(run_dir / "containerd" / "env"),
        networks=_networks(run_dir / "containerd"),
        execs=_entries(run_dir / "streams"),
    )


async def _in_runtime(run_dir: Path) -> tuple[list[str], list[str]]:
    cri = CRIClient(f"unix://{run_dir}/containerd/containerd.sock")
    try:
        sandboxes = await cri.list_pod_sandboxes({})
        containers = await cri.list_containers({})
    finally:
        await cri.close()
    return (
        [f"{item.metadata.namespace}/{item.metadata.name}/{item.metadata.attempt}" for item in sandboxes],
        [f"{item.labels['io.kubernetes.pod.name']}/{item.metadata.name}" for item in containers],
    )


def _entries(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir()) if directory.is_dir() else []


def _shims(socket: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if Path(words[0]).name == "containerd-shim-runc-v2" and str(socket) in words:
            found.append(words[words.index("-id") + 1] if "-id" in words else entry.name)
    return found


def _networks(directory: Path) -> list[str]:
    """Addresses that are given away, and network namespaces that are held."""
    given = [entry for entry in directory.glob("addresses/*/*") if entry.name[:1].isdigit()]
    held = [point for point in mounts.below(directory.resolve()) if "netns" in point.parts]
    return sorted(str(entry) for entry in [*given, *held])
