"""What is counted of requests to the store, under the names that kube-apiserver has for etcd.

Whatever database it is that answers: dashboards look for these names.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from strongroom.telemetry.metrics import Family, Histogram, Labels
from strongroom.telemetry.requests import SECONDS

CREATE, UPDATE, DELETE, GET, LIST = "create", "update", "delete", "get", "list"
_ROOT: Final = len("/registry/")
_LABELS: Final = ("operation", "group", "resource")
Kind = tuple[str, str]
"""Group and resource."""


class _Count:
    __slots__ = ("errors", "latency")

    def __init__(self) -> None:
        self.errors = 0
        self.latency = Histogram(SECONDS)


class StoreRequests:
    """`kinds`: what is stored below which prefix. Keys below none of them are not counted."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._counts: dict[tuple[str, Kind], _Count] = {}
        self._by_head: dict[str, list[tuple[str, Kind]]] = {}
        for prefix, kind in kinds.items():
            self._by_head.setdefault(_head(prefix), []).append((prefix, kind))

    def done(self, operation: str, key: str, seconds: float, *, failed: bool = False) -> None:
        """A request about `key`, or about what is below it, is over. `failed`: the store did not answer; a
        write that came too late did not fail."""
        kind = self._kind(key)
        if kind is None:
            return
        count = self._counts.get((operation, kind))
        if count is None:
            count = self._counts[operation, kind] = _Count()
        count.latency.observe(seconds)
        count.errors += failed

    def _kind(self, key: str) -> Kind | None:
        kinds = self._by_head.get(_head(key))
        if kinds is None:
            return None
        if len(kinds) == 1:
            return kinds[0][1]
        return next((kind for prefix, kind in kinds if key.startswith(prefix)), None)

    def families(self) -> Iterator[Family]:
        counts = sorted(self._counts.items())
        yield Family(
            "histogram",
            "etcd_request_duration_seconds",
            "[ALPHA] Etcd request latency in seconds for each operation and object type.",
            _LABELS,
            _samples((key, count.latency) for key, count in counts),
        )
        yield Family(
            "counter",
            "etcd_requests_total",
            "[ALPHA] Etcd request counts for each operation and object type.",
            _LABELS,
            _samples((key, sum(count.latency.counts)) for key, count in counts),
        )
        yield Family(
            "counter",
            "etcd_request_errors_total",
            "[ALPHA] Etcd failed request counts for each operation and object type.",
            _LABELS,
            _samples((key, count.errors) for key, count in counts if count.errors),
        )


def _head(key: str) -> str:
    """`/registry/secrets` of `/registry/secrets/default/a`."""
    end = key.find("/", _ROOT)
    return key if end < 0 else key[:end]


def _samples(
    found: Iterable[tuple[tuple[str, Kind], float | Histogram]],
) -> list[tuple[Labels, float | Histogram]]:
    return [((operation, *kind), value) for (operation, kind), value in found]
