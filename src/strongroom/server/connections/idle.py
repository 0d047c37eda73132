"""Which connections have been without a request for too long. Pure: what is there goes in, what is to be cut
off comes out."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from strongroom.server.connections.peers import InUse, Peer


class Limits(NamedTuple):
    """Seconds without a request. Upstream: ReadHeaderTimeout, and an IdleTimeout of 90 s.

    `idle` counts from the beginning of the last request, and none that is not of the lasting kind takes
    a minute; clients close what they don't use after 90 s, and it is better that they do it.
    With more than `crowded` connections those that wait go, the longest first, except in their first
    `settling` seconds."""

    crowded: int
    first_request: float = 32.0
    idle: float = 150.0
    settling: float = 2.0
    sweep: float = 2.0
    """How often it is looked."""


class Connection(NamedTuple):
    """`inode`: of its socket. `unsent`: bytes of answers that the client's machine has not taken yet.
    `taken`: how many it has ever taken, told if there are any unsent."""

    inode: int
    peer: Peer
    unsent: int = 0
    taken: int = 0


class _Waiting:
    __slots__ = ("served", "since", "taken")

    def __init__(self, since: float) -> None:
        self.since = since
        self.served = False
        """It has had a request."""
        self.taken = -1


_PAUSE: Final = 3
"""Sweeps late by more than that many of their own intervals: the process stood still, not the clients."""


class Idle:
    """Remembers for each connection how long it waits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[int, _Waiting] = {}
        self._now = 0.0

    def to_cut(self, elapsed: float, connections: Sequence[Connection], in_use: InUse) -> list[int]:
        """The inodes of those that are to be cut off, `elapsed` seconds after the last call.

        A client that takes its answer is not idle, however slowly it does; one that takes none of it is."""
        limits = self._limits
        self._now += min(elapsed, _PAUSE * limits.sweep)
        known: dict[int, _Waiting] = {}
        cut: list[int] = []
        waiting: list[tuple[bool, float, int]] = []
        for inode, peer, unsent, taken in connections:
            state = known[inode] = self._known.get(inode) or _Waiting(self._now)
            if peer in in_use.lasting:
                state.served, state.since = True, self._now
                continue
            if peer in in_use.began or (unsent and state.served and taken != state.taken):
                state.served, state.since, state.taken = True, self._now, taken
            waited = self._now - state.since
            if waited > (limits.idle if state.served else limits.first_request):
                cut.append(inode)
            elif waited >= limits.settling:
                waiting.append((state.served, state.since, inode))
        self._known = known
        beyond = len(connections) - len(cut) - limits.crowded
        if beyond > 0:
            # Who never asked for anything goes first.
            cut += [inode for _, _, inode in sorted(waiting)[:beyond]]
        return cut
