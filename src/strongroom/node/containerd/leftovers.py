"""Removing what a containerd of our own leaves on a machine: containers, shims, mounts, the bridge.

For a data directory that was wiped while its containers ran, and for whoever wants a node gone. Nothing is
touched that does not lie in the node's own directories or carry their names.
"""

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from strongroom.node.containerd import mounts, network, process, tools
from strongroom.node.runtime.pod_cgroup import PodCgroups
from strongroom.node.settings import NodeSettings

_PATIENCE = 5.0


def remove(settings: NodeSettings) -> None:
    """Remove every container, mount and interface of this node. Its containerd must have been stopped,
    or it is stopped here. Images and logs in the data directory stay."""
    _end(ours(settings, "containerd", str(settings.data_dir / "containerd.toml")))
    delete_containers(settings)
    for pod in settings.pods_dir.glob("*"):
        PodCgroups(0).remove(pod.name)
    _end(ours(settings, "containerd-shim-runc-v2", str(settings.containerd_socket)))
    for directory in (settings.run_dir, settings.data_dir):
        for point in mounts.below(directory.resolve()):
            if point == directory.resolve():
                continue  # a disk that whoever runs this machine has put there
            with contextlib.suppress(OSError):
                mounts.unmount(point)
    shutil.rmtree(settings.containerd_run_dir, ignore_errors=True)
    shutil.rmtree(settings.streams_dir, ignore_errors=True)
    bridge = network.choose(str(settings.data_dir), ()).bridge
    if Path("/sys/class/net", bridge).exists():
        _run("ip", "link", "delete", bridge)


def ours(settings: NodeSettings, name: str, argument: str) -> Iterator[process.Process]:
    """Processes of this name that have this argument on their command line."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        found = process.arguments(int(entry.name))
        if not found or Path(found[0]).name != name or argument not in found:
            continue
        held = process.Process.adopt(int(entry.name))
        if held is not None and process.arguments(held.pid) == found:
            yield held


def _end(processes: Iterator[process.Process]) -> None:
    ending = list(processes)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for one in ending:
            one.send_signal(number)
        deadline = time.monotonic() + _PATIENCE
        while any(one.alive for one in ending) and time.monotonic() < deadline:
            time.sleep(0.01)
    for one in ending:
        one.close()


def delete_containers(settings: NodeSettings, name: str = "*") -> None:
    """Have the runtime that started each container delete it, cgroup included."""
    for container in settings.runtimes_dir.glob(f"*/*/{name}"):
        handler = container.parent.parent.name
        _run(handler, "--root", str(container.parent), "delete", "--force", container.name)


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=False, timeout=30, env={"PATH": tools.search_path()})
