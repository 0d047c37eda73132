"""How many requests are under way, and how many may be."""

from collections import Counter
from typing import Final, NamedTuple

from strongroom.machinery.request_info import RequestInfo
from strongroom.server.connections.peers import Peers
from strongroom.server.request_counts import RequestCounts
from strongroom.telemetry.requests import Kind

READS: Final = frozenset(("get", "list", "watch"))
LONG_VERBS: Final = frozenset(("watch", "proxy"))
_LONG_SUBRESOURCES: Final = frozenset(("attach", "exec", "proxy", "log", "portforward"))


class Limits(NamedTuple):
    """Requests at once, long-running ones not counted; 0: no limit. Defaults are kube-apiserver's."""

    reading: int = 400
    mutating: int = 200


class InFlight:
    """Plain ints: the filter counts in them, and the metrics show them."""

    __slots__ = (
        "kind",
        "limits",
        "long_running",
        "most_mutating",
        "most_reading",
        "mutating",
        "peers",
        "reading",
        "refused",
    )

    def __init__(self, limits: Limits, requests: RequestCounts, peers: Peers) -> None:
        self.limits = limits
        self.peers = peers
        """Learns whose connections the long-running ones are on."""
        self.kind = requests.kind
        self.reading = 0
        self.mutating = 0
        self.most_reading = 0
        self.most_mutating = 0
        """The most at once since `settle`."""
        self.long_running: Counter[Kind] = Counter()
        self.refused: Counter[Kind] = Counter()

    def settle(self) -> None:
        """The most at once counts anew from here."""
        self.most_reading, self.most_mutating = self.reading, self.mutating


def is_long_running(info: RequestInfo) -> bool:
    """Whether a request may last as long as its client likes."""
    return info.verb in LONG_VERBS or (info.subresource in _LONG_SUBRESOURCES and info.is_resource)
