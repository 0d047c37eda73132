"""What a node leaves behind on purpose when it stops (containers, containerd, mounts), and its removal.

Everything is found by the directories of one node, so that nothing of another node or of the machine is
touched.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from strongroom.node.volumes import trees


def remove(directories: Sequence[Path]) -> None:
    """End the processes that work in `directories`, undo their mounts and networks, and delete them."""
    take_down(directories)
    for directory in directories:
        try:
            trees.remove(directory)
        except OSError:
            shutil.rmtree(directory, ignore_errors=True)


def take_down(directories: Sequence[Path]) -> None:
    """What the end of the machine does to them: processes, mounts and networks are gone, files stay."""
    places = [str(directory) for directory in directories]
    bridges, groups = _bridges(directories), _control_groups(directories)
    _end(_processes(places))
    for mount in _mounts(places):
        _run("umount", "--lazy", mount)
    for group in groups:
        with contextlib.suppress(OSError):
            group.rmdir()
    for bridge, network in bridges:
        _run("ip", "link", "delete", bridge)
        _remove_masquerading(network)
        _run("nft", "delete", "table", "ip", network)


def _processes(places: Sequence[str]) -> list[int]:
    """Processes that name one of `places` in their arguments, each after all that descend from it."""
    parents: dict[int, int] = {}
    owned: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if any(_below(argument, place) for argument in arguments for place in places):
                owned.append(int(entry.name))
    ordered: dict[int, None] = {}
    for process in owned:
        for descendant in _descendants(process, parents):
            ordered.setdefault(descendant)
    return list(ordered)


def _below(argument: str, place: str) -> bool:
    path = argument.removeprefix("unix://").rpartition("=")[2]
    return path == place or path.startswith(place + "/")


def _descendants(process: int, parents: dict[int, int]) -> Iterator[int]:
    for child, parent in parents.items():
        if parent == process:
            yield from _descendants(child, parents)
    yield process


def _end(processes: Sequence[int]) -> None:
    """Kill and wait until each is gone (or a zombie that its parent has not yet collected)."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(map(_runs, processes)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _mounts(places: Sequence[str]) -> list[str]:
    """Mount points below `places`, the deepest first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((p for p in points if any(_below(p, place) for place in places)), key=len, reverse=True)


def _control_groups(directories: Sequence[Path]) -> list[Path]:
    """The control groups of containers whose bundles are there, in every hierarchy."""
    bundles = _find(directories, "io.containerd.runtime.v2.task/*/*")
    roots = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]
    places = [root / bundle.parent.name / bundle.name for bundle in bundles for root in roots]
    inner = [found for b in bundles for root in roots for found in root.glob(f"strongroom/pod*/{b.name}")]
    pods = {group.parent: None for group in inner}
    return [place for place in (*places, *inner, *pods) if place.is_dir()]


def _bridges(directories: Sequence[Path]) -> list[tuple[str, str]]:
    """Bridge and network name of each CNI configuration."""
    found = []
    for file in _find(directories, "cni/*.conflist"):
        document = json.loads(file.read_text())
        found += [
            (plugin["bridge"], document["name"]) for plugin in document["plugins"] if "bridge" in plugin
        ]
    return found


def _find(directories: Sequence[Path], pattern: str) -> list[Path]:
    """Files not far below the directories: images of containers, which change meanwhile, are not searched."""
    depths = ("", "*/", "*/*/")
    return [each for place in directories for depth in depths for each in place.glob(depth + pattern)]


def _remove_masquerading(network: str) -> None:
    """Remove the chains that the CNI bridge plugin made for `network`: their rules carry its name in a
    comment."""
    listed = _run("iptables", "-t", "nat", "-S")
    named = [line for line in listed.splitlines() if f'name: \\"{network}\\"' in line]
    chains = {found[1] for line in named if (found := re.search(r"-j (CNI-[0-9a-f]+)", line))}
    for line in named:
        if line.startswith("-A POSTROUTING"):
            rule = shlex.split(line.replace("-A", "-D", 1))
            _run("iptables", "-t", "nat", *rule)
    for chain in chains:
        for command in ("-F", "-X"):
            _run("iptables", "-t", "nat", command, chain)


def _run(*command: str) -> str:
    """Standard output of a command that may fail, or not even be there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
