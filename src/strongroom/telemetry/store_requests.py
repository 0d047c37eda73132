"""What is counted of encryption and of requests to the store, under the names of kube-apiserver for etcd.

Whatever database it is that answers: dashboards look for these names.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from strongroom.telemetry.metrics import Family, Histogram, Labels
from strongroom.telemetry.requests import SECONDS

CREATE, UPDATE, DELETE, GET, LIST = "create", "update", "delete", "get", "list"
TO_STORAGE, FROM_STORAGE = "to_storage", "from_storage"
_ENCRYPTED: Final = b"k8s:enc:"
_KMS: Final = re.compile(rb"k8s:enc:kms:v2:[A-Za-z0-9._-]{1,100}:")
_NAMED: Final = re.compile(rb"k8s:enc:(?:aesgcm|aescbc|secretbox):")
_PROVIDERS_MAX: Final = 100
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
        self._transformed: Counter[tuple[Kind, str, str, str]] = Counter()
        self._providers: dict[bytes, str] = {}
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

    def transformed(self, way: str, key: str, stored: Sequence[bytes], *, failed: bool = False) -> None:
        """Values of objects of the kind of `key` were encrypted or opened, or could not be."""
        kind = self._kind(key)
        if kind is None or not stored:
            return
        status = "Unknown" if failed else "OK"
        if len(stored) == 1:
            self._transformed[kind, way, self._provider(stored[0]), status] += 1
            return
        for provider, number in Counter(map(self._provider, stored)).items():
            self._transformed[kind, way, provider, status] += number

    def _provider(self, stored: bytes) -> str:
        """What the value of a provider begins with; "" if it is not encrypted, or in no known form."""
        if not stored.startswith(_ENCRYPTED):
            return ""
        head = stored[: stored.find(b":", len("k8s:enc:kms:v2:")) + 1]
        provider = self._providers.get(head)
        if provider is None:
            provider = _prefix(stored)
            if len(self._providers) < _PROVIDERS_MAX:
                self._providers[head] = provider
        return provider

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
        yield Family(
            "counter",
            "apiserver_storage_transformation_operations_total",
            "[ALPHA] Total number of transformations. Successful transformation will have a status 'OK' and "
            "a varied status string when the transformation fails. The status, resource, and "
            "transformation_type fields can be used for alerting purposes. For example, you can monitor for "
            "encryption/decryption failures using the transformation_type (e.g., from_storage for decryption "
            "and to_storage for encryption). Additionally, these fields can be used to ensure that the "
            "correct transformers are applied to each resource.",
            ("resource", "transformation_type", "transformer_prefix", "status"),
            [
                ((f"{plural}.{group}" if group else plural, way, provider, status), number)
                for ((group, plural), way, provider, status), number in sorted(self._transformed.items())
            ],
        )


def _prefix(stored: bytes) -> str:
    if found := _KMS.match(stored):
        return found[0].decode()
    # The name of the key comes next; it is none of the provider's.
    return f"{found[0].decode()}v1:" if (found := _NAMED.match(stored)) else ""


def _head(key: str) -> str:
    """`/registry/secrets` of `/registry/secrets/default/a`."""
    end = key.find("/", _ROOT)
    return key if end < 0 else key[:end]


def _samples(
    found: Iterable[tuple[tuple[str, Kind], float | Histogram]],
) -> list[tuple[Labels, float | Histogram]]:
    return [((operation, *kind), value) for (operation, kind), value in found]
