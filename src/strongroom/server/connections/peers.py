"""Which clients' connections are in use, as the application sees it."""

import contextlib
import socket
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

Client = tuple[str, int | str]
"""As ASGI has it. Granian writes the port of a WebSocket's as a string."""
Peer = bytes
"""As the kernel has it: the port, then the address, filled up to 16 bytes; in the network's order."""
_PEER: Final = 18


class InUse(NamedTuple):
    """`began`: a request since the last look. `lasting`: one is under way that may last, such as a watch."""

    began: frozenset[Peer]
    lasting: frozenset[Peer]


class Peers:
    """Told of every request, so it does next to nothing then: `began` takes the client's address.

    Whoever serves connections empties it by `take`."""

    def __init__(self) -> None:
        self._began: set[Any] = set()
        self._lasting: Counter[Any] = Counter()
        self.began = self._began.add

    def hold(self, client: Any) -> None:
        """A request that may last has begun."""
        self._lasting[client] += 1

    def release(self, client: Any) -> None:
        """It is over."""
        self._lasting[client] -= 1
        if not self._lasting[client]:
            del self._lasting[client]
            # Its end counts as much as a request's beginning: what follows is rest.
            self._began.add(client)

    def take(self) -> InUse:
        """What is in use; what began counts from now."""
        taken = InUse(_peers(self._began), _peers(self._lasting))
        self._began.clear()
        return taken


def _peers(clients: Iterable[Any]) -> frozenset[Peer]:
    return frozenset(peer for client in clients if client and (peer := written(client)))


def written(client: Client) -> Peer:
    """Empty for what is no address of a network."""
    host, port = client
    host = host.partition("%")[0]
    with contextlib.suppress(OSError, ValueError, OverflowError):
        packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
        return (int(port).to_bytes(2, "big") + packed).ljust(_PEER, b"\0")
    return b""
