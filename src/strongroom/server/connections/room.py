"""File descriptors that are kept back for the moment when all others are taken by connections.

The HTTP server first takes who waits at the port, then looks after who is in the middle of a TLS handshake.
Without a descriptor for the former it never comes to the latter, and does not notice that we cut them off: it
would stand still for ever, however few clients are left. With enough descriptors for all who can wait at the
port, it gets past that.
"""

import contextlib
import ctypes
import os
import resource
import socket
import struct
from pathlib import Path
from typing import Final

_BATCH: Final = 128
"""More than it takes from the port at a time."""
_MANY: Final = 1 << 16
"""So many are not used up between two sweeps."""
MOST_WAITING: Final = 4096
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_NOTHING = struct.pack("=HBBI", 6, 0, 0, 0)
"""A program of the packet filter: none is let in."""


def backlog() -> int:
    """How many clients may wait at a port: few where they would take what the process may open."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST_WAITING if files == resource.RLIM_INFINITY else max(1, min(MOST_WAITING, files // 16))


class Room:
    """Lowers the process's limit by what it keeps back until `close`."""

    def __init__(self, listener: socket.socket, backlog: int) -> None:
        """`listener`: is closed by `close`. At most `backlog` clients wait at it."""
        self._listener = listener
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        wanted = backlog + _BATCH
        self._kept = wanted if soft != resource.RLIM_INFINITY and 2 * wanted < soft <= _MANY else 0
        self._given = False
        _raise_limit(-self._kept)

    def settle(self) -> None:
        """Give out what is kept if there is nothing else; take it back when it is not used any more.

        Until then nobody is let in, who would take the place of those who waited."""
        if not self._kept:
            return
        if not self._given and not self._can_open():
            self._let_in(False)
            self._give(True)
        elif self._given and self._used() < resource.getrlimit(resource.RLIMIT_NOFILE)[0] - self._kept:
            self._give(False)
            self._let_in(True)

    def _let_in(self, anyone: bool) -> None:
        program = ctypes.create_string_buffer(_NOTHING, len(_NOTHING))
        value = struct.pack("@HP", 1, ctypes.addressof(program))
        with contextlib.suppress(OSError):
            if anyone:
                self._listener.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
            else:
                self._listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, value)

    def _used(self) -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    def close(self) -> None:
        if self._given:
            self._let_in(True)
        else:
            self._give(True)
        self._kept = 0
        self._listener.close()

    def _give(self, given: bool) -> None:
        self._given = given
        _raise_limit(self._kept if given else -self._kept)

    def _can_open(self) -> bool:
        try:
            os.close(os.dup(self._listener.fileno()))
        except OSError:
            return False
        return True


def _raise_limit(by: int) -> None:
    if by:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft + by, hard))
