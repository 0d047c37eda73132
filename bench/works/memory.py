"""Resident memory of the cluster's processes, idle."""

from pathlib import Path

from bench.result import Figure
from bench.target import Options, Target

TITLE = "resident memory, idle"
NEEDS_NODE = False


def run(target: Target, options: Options) -> list[Figure]:
    if not target.pids:
        return []
    pids = [
        *target.pids,
        *(child for pid in target.pids for child in children_of(pid) if child not in target.pids),
    ]
    resident = [resident_of(pid) for pid in pids]
    note = ", ".join(f"{name_of(pid)} {size:.0f}" for pid, size in zip(pids, resident, strict=True))
    return [Figure(TITLE, sum(resident), "MB", "lower", 0, note)]


def children_of(pid: int) -> list[int]:
    """Its child processes, without container runtimes, which are no part of either cluster's own memory."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in map(int, found) if not name_of(child).startswith("containerd")]


def resident_of(pid: int) -> float:
    """VmRSS in MB (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()
