"""How many processes are being started at once in one pod.

A containerd 1.6 shim (one serves a whole pod) takes note of processes that end one by one, and waits for each
that is being started meanwhile. Beyond some twenty starts at once its queue is full, and then each end costs
a second.
"""

import asyncio
from weakref import WeakValueDictionary

_AT_ONCE = 4


class StartGate:
    """Gives out, for each pod sandbox, the lock under which a process is started."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._at_once = at_once
        self._gates: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, sandbox_id: str) -> asyncio.Semaphore:
        """To be held while a process starts in this sandbox."""
        gate = self._gates.get(sandbox_id)
        if gate is None:
            gate = self._gates[sandbox_id] = asyncio.Semaphore(self._at_once)
        return gate
