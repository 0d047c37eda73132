"""What is counted of encryption and of requests to the store, under the names of kube-apiserver for etcd.

Whatever database it is that answers: dashboards look for these names.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final

from strongroom.telemetry.metrics import Family, Histogram, Labels
from strongroom.telemetry.requests import SECONDS

CREATE, UPDATE, DELETE, GET, LIST = "create", "update", "delete", "get", "list"
TO_STORAGE, FROM_STORAGE = "to_storage", "from_storage"
_ENCRYPTED: Final = b"k8s:enc:"
_KMS: Final = re.compile(rb"k8s:enc:kms:v2:[A-Za-z0-9._-]{1,100}:")
_NAMED: Final = re.compile(rb"k8s:enc:(?:aesgcm|aescbc|secretbox):v1:")
"""The name of the key comes next, which is none of the provider's."""
_SHORT: Final = SECONDS[0]
_ROOT: Final = len("/registry/")
_LABELS: Final = ("operation", "group", "resource")
Kind = tuple[str, str]
"""Group and resource."""


class _Count:
    __slots__ = ("errors", "latency")

    def __init__(self) -> None:
        self.errors = 0
        self.latency = Histogram(SECONDS)


class _Transformed:
    """Values of one kind and provider, which begin with `head`; b"": those that are not encrypted."""

    __slots__ = ("head", "number")

    def __init__(self, head: bytes) -> None:
        self.head = head
        self.number = 0


class StoreRequests:
    """`kinds`: what is stored below which prefix. Keys below none of them are not counted.

    What is counted for a write is found by the beginning of its key, where that is of one kind alone."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._counts: dict[tuple[str, Kind], _Count] = {}
        self._quick: dict[str, dict[str, _Count]] = {}
        self._by_head: dict[str, list[tuple[str, Kind]]] = {}
        self._transformed: dict[tuple[Kind, str, str, str], _Transformed] = {}
        self._sealed: dict[str, _Transformed] = {}
        for prefix, kind in kinds.items():
            self._by_head.setdefault(_head(prefix), []).append((prefix, kind))

    def done(self, operation: str, key: str, seconds: float, *, failed: bool = False) -> None:
        """A request about `key`, or about what is below it, is over. `failed`: the store did not answer; a
        write that came too late did not fail."""
        quick = self._quick.get(operation)
        count = quick.get(key[: key.find("/", _ROOT)]) if quick is not None else None
        if count is None:
            count = self._count(operation, key)
            if count is None:
                return
        if seconds <= _SHORT:
            latency = count.latency
            latency.counts[0] += 1
            latency.total += seconds
        else:
            count.latency.observe(seconds)
        if failed:
            count.errors += 1

    def _count(self, operation: str, key: str) -> _Count | None:
        kind = self._kind(key)
        if kind is None:
            return None
        count = self._counts.get((operation, kind))
        if count is None:
            count = self._counts[operation, kind] = _Count()
        if len(self._by_head[_head(key)]) == 1:
            self._quick.setdefault(operation, {})[_head(key)] = count
        return count

    def sealed(self, key: str, stored: bytes) -> None:
        """A value was encrypted."""
        last = self._sealed.get(key[: key.find("/", _ROOT)])
        if last is not None and stored.startswith(last.head):
            last.number += 1
        else:
            self.transformed(TO_STORAGE, key, (stored,))

    def transformed(self, way: str, key: str, stored: Sequence[bytes], *, failed: bool = False) -> None:
        """Values of objects of the kind of `key` were encrypted or opened, or could not be."""
        kind = self._kind(key)
        if kind is None:
            return
        status = "Unknown" if failed else "OK"
        for head, number in Counter(map(_provider, stored)).items():
            labels = (kind, way, head.decode(), status)
            count = self._transformed.get(labels)
            if count is None:
                count = self._transformed[labels] = _Transformed(head)
            count.number += number
            if way == TO_STORAGE and head and not failed and len(self._by_head[_head(key)]) == 1:
                self._sealed[_head(key)] = count

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
                ((f"{plural}.{group}" if group else plural, way, provider, status), count.number)
                for ((group, plural), way, provider, status), count in sorted(
                    self._transformed.items(), key=itemgetter(0)
                )
            ],
        )


def _provider(stored: bytes) -> bytes:
    """What the values of its provider begin with; b"" if it is not encrypted, or in no known form."""
    if not stored.startswith(_ENCRYPTED):
        return b""
    found = _KMS.match(stored) or _NAMED.match(stored)
    return found[0] if found else b""


def _head(key: str) -> str:
    """`/registry/secrets` of `/registry/secrets/default/a`."""
    end = key.find("/", _ROOT)
    return key if end < 0 else key[:end]


def _samples(
    found: Iterable[tuple[tuple[str, Kind], float | Histogram]],
) -> list[tuple[Labels, float | Histogram]]:
    return [((operation, *kind), value) for (operation, kind), value in found]
