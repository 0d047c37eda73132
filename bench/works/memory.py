"""Resident memory of the cluster's processes, idle."""

from pathlib import Path

from bench.result import Figure
from bench.target import Options, Target

TITLE = "resident memory, idle"
NEEDS_NODE = False


def run(target: Target, options: Options) -> list[Figure]:
    if not target.pids:
        return []
    resident = [resident_of(pid) for pid in target.pids]
    note = ", ".join(f"{name_of(pid)} {size:.0f}" for pid, size in zip(target.pids, resident, strict=True))
    return [Figure(TITLE, sum(resident), "MB", "lower", 0, note)]


def resident_of(pid: int) -> float:
    """VmRSS in MB (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()
