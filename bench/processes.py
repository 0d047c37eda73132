"""What processes have used, as the kernel counts it."""

from collections.abc import Iterable
from pathlib import Path

_TICKS = 100
"""Of the kernel's accounting, per second."""


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time so far, of all threads."""
    return sum(map(_of_one, pids))


def _of_one(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
