"""Ending a process together with all that it has started: a runtime gives each exec a session of its own."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ROUNDS = 10


def kill(session: int) -> None:
    """SIGKILL every process of the session that the process `session` leads or led, and their descendants.

    A pid names a session for as long as one process of it lives, so no other process can be meant.
    """
    for _ in range(_ROUNDS):
        found = set(_members(session))
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _members(session: int) -> Iterator[int]:
    parents: dict[int, int] = {}
    members = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            # proc(5): what follows the name in parentheses is state, parent, group and session.
            state, parent, _, own = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if state in "ZX":
            continue
        parents[int(entry.name)] = int(parent)
        if int(own) == session:
            members.add(int(entry.name))
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in members} - members
        members |= more
        grown = bool(more)
    return iter(members)
