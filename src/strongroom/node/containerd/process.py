"""A process that is held by a pidfd, so that a reused pid is never mistaken for it."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

_UMASK: Final = 0o022
"""Not this program's, which is tighter: containers' root directories would be closed to all but root."""


def start_time(pid: int) -> str:
    """When a process started, in ticks since boot: with the pid it names the process. "" if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The name in parentheses may hold anything; what follows it is numbers. Field 22 of proc(5).
    return stat.rpartition(")")[2].split()[19]


def arguments(pid: int) -> list[str]:
    """The command line of a process; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def listener_of(path: Path) -> int | None:
    """The pid of the process that listens on a unix socket; None if nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return None
    pid = int(struct.unpack("3i", credentials)[0])
    return pid or None


class Process:
    """A running process, ours or adopted. `close` lets go of it without touching it."""

    def __init__(self, pid: int, pidfd: int, child: "subprocess.Popen[bytes] | None" = None) -> None:
        self.pid = pid
        self._pidfd = pidfd
        self._child = child

    @classmethod
    def adopt(cls, pid: int) -> Self | None:
        """The process with this pid now; None if there is none. Check who it is after, not before."""
        try:
            return cls(pid, os.pidfd_open(pid))
        except OSError:
            return None

    @classmethod
    def launch(cls, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Self:
        """Start a command in a session of its own, writing to a log file, with nothing else inherited."""
        with log.open("ab") as output:
            child = subprocess.Popen(
                command,
                env=dict(environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=_UMASK,
            )
        return cls(child.pid, os.pidfd_open(child.pid), child)

    @property
    def alive(self) -> bool:
        if self._pidfd < 0:
            return False
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return not poll.poll(0)

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens if the process has ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    async def wait(self) -> None:
        """Wait for the end of the process, and reap it if it is our child."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        descriptor = os.dup(self._pidfd)
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        if self._child is not None:
            self._child.poll()

    async def terminate(self, patience: float = 10.0) -> None:
        """SIGTERM, and SIGKILL if that has not ended the process after `patience` seconds."""
        self.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                await self.wait()
        except TimeoutError:
            self.send_signal(signal.SIGKILL)
            await self.wait()

    def close(self) -> None:
        """Let the process live on without us."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        if self._child is not None and self._child.poll() is None:
            # It is meant to outlive this program, which `Popen` would warn about.
            self._child.returncode = 0
        self._child = None
