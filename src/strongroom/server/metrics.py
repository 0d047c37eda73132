"""`/metrics`: what the server counts, under kube-apiserver's names, for Prometheus."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from strongroom.api import resources
from strongroom.registry import service_addresses
from strongroom.registry.catalog import Catalog
from strongroom.registry.service_addresses import ServiceRegistry
from strongroom.server import responses, version
from strongroom.server.in_flight import InFlight
from strongroom.server.request import Request
from strongroom.server.request_counts import RequestCounts
from strongroom.telemetry import metrics
from strongroom.telemetry.metrics import Collect, Family, Histogram, Labels
from strongroom.telemetry.requests import SECONDS, Kind

PATH: Final = "/metrics"
_REQUEST: Final = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")
_LONG: Final = ("verb", "group", "version", "resource", "subresource", "scope", "component")
_COMPONENT: Final = "apiserver"
_LASTING: Final = frozenset(("WATCH", "CONNECT"))
_INDICATOR: Final = SECONDS[2:]
_SIZE_SECONDS: Final = 2.0
StorageSize = Callable[[], Awaitable[int | None]]
"""Bytes of the database; None: it can't be known now."""


class Metrics:
    """Answers /metrics; who may ask is a matter of roles (`system:monitoring`).

    `sources`: more that is counted elsewhere. `storage_size`: bytes of the database."""

    def __init__(
        self,
        requests: RequestCounts,
        in_flight: InFlight,
        catalog: Catalog,
        sources: Sequence[Collect] = (),
        storage_size: StorageSize | None = None,
    ) -> None:
        self._requests = requests
        self._in_flight = in_flight
        self._catalog = catalog
        self._sources = sources
        self._storage_size = storage_size

    def has(self, path: str) -> bool:
        return path == PATH

    async def serve(self, request: Request) -> None:
        """Answer, by whatever method, as Kubernetes does."""
        stored = await self._stored()
        text, content_type = metrics.exposition(lambda: (*self.families(), *stored))
        self._in_flight.settle()
        await responses.large(request, 200, text, (b"content-type", content_type.encode()))

    def families(self) -> Iterator[Family]:
        """All but those of the process. None has a label that a client could make up."""
        yield from self._of_requests()
        yield from self._of_load()
        yield from self._of_objects()
        yield from self._of_addresses()
        yield from self._catalog.store_requests.families()
        for collect in self._sources:
            yield from collect()
        yield Family(
            "gauge",
            "kubernetes_build_info",
            "[ALPHA] A metric with a constant '1' value labeled by major, minor, git version, git commit, "
            "git tree state, build date, Go version, and compiler from which Kubernetes was built, and "
            "platform on which it is running.",
            ("major", "minor", "git_version", "go_version", "compiler", "platform"),
            [(_build(), 1)],
        )

    async def _stored(self) -> Sequence[Family]:
        """Nothing while the store does not say."""
        if self._storage_size is None:
            return ()
        try:
            async with asyncio.timeout(_SIZE_SECONDS):
                size = await self._storage_size()
        except TimeoutError:
            return ()
        if size is None:
            return ()
        help = "[STABLE] Size of the storage database file physically allocated in bytes."
        label = ("storage_cluster_id",)
        return (Family("gauge", "apiserver_storage_size_bytes", help, label, [(("etcd-0",), size)]),)

    def _of_requests(self) -> Iterator[Family]:
        counts = [count for count in self._requests if count.code]
        yield Family(
            "counter",
            "apiserver_request_total",
            "[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, "
            "version, resource, scope, component, and HTTP response code.",
            (*_REQUEST, "code"),
            [((*count.kind, _COMPONENT, str(count.code)), count.number) for count in counts],
        )
        yield Family(
            "histogram",
            "apiserver_request_duration_seconds",
            "[STABLE] Response latency distribution in seconds for each verb, dry run value, group, "
            "version, resource, subresource, scope and component.",
            _REQUEST,
            [((*kind, _COMPONENT), latency) for kind, latency in self._requests.latencies()],
        )
        yield Family(
            "histogram",
            "apiserver_request_sli_duration_seconds",
            "[ALPHA] Response latency distribution (not counting webhook duration and priority & fairness "
            "queue wait times) in seconds for each verb, group, version, resource, subresource, scope and "
            "component.",
            _LONG,
            [((*labels, _COMPONENT), latency) for labels, latency in self._indicators().items()],
        )
        yield Family(
            "counter",
            "apiserver_request_aborts_total",
            "[ALPHA] Number of requests which apiserver aborted possibly due to a timeout, for each group, "
            "version, verb, resource, subresource and scope",
            _LONG[:-1],
            _summed((c.kind, c.number) for c in self._requests if not c.code).items(),
        )
        yield Family(
            "counter",
            "apiserver_request_terminations_total",
            "[ALPHA] Number of requests which apiserver terminated in self-defense.",
            (*_LONG, "code"),
            [
                ((*labels, _COMPONENT, "429"), number)
                for labels, number in _summed(self._in_flight.refused.items()).items()
            ],
        )

    def _indicators(self) -> Mapping[Labels, Histogram]:
        """How long requests took that have an end, whether they were dry runs or not."""
        found: dict[Labels, Histogram] = {}
        for kind, latency in self._requests.latencies():
            if kind.verb not in _LASTING:
                labels = (kind.verb, *kind[2:])
                found.setdefault(labels, Histogram(_INDICATOR)).add(_coarser(latency))
        return found

    def _of_addresses(self) -> Iterator[Family]:
        services = self._catalog[resources.SERVICES]
        if not isinstance(services, ServiceRegistry):
            return
        used = services.used()
        by_range = ("cidr",)
        subnet = str(service_addresses.SERVICE_RANGE)
        for name, help, labels, values, number in (
            (
                "clusterip_allocator_allocated_ips",
                "[ALPHA] Gauge measuring the number of allocated IPs for Services",
                by_range,
                (subnet,),
                used.ips,
            ),
            (
                "clusterip_allocator_available_ips",
                "[ALPHA] Gauge measuring the number of available IPs for Services",
                by_range,
                (subnet,),
                used.ips_left,
            ),
            (
                "nodeport_allocator_allocated_ports",
                "[ALPHA] Gauge measuring the number of allocated NodePorts for Services",
                (),
                (),
                used.ports,
            ),
            (
                "nodeport_allocator_available_ports",
                "[ALPHA] Gauge measuring the number of available NodePorts for Services",
                (),
                (),
                used.ports_left,
            ),
        ):
            yield Family("gauge", f"kube_apiserver_{name}", help, labels, [(values, number)])

    def _of_load(self) -> Iterator[Family]:
        now = self._in_flight
        yield Family(
            "gauge",
            "apiserver_current_inflight_requests",
            "[STABLE] Maximal number of currently used inflight request limit of this apiserver per request "
            "kind in last second.",
            ("request_kind",),
            [(("readOnly",), now.most_reading), (("mutating",), now.most_mutating)],
        )
        yield Family(
            "gauge",
            "apiserver_longrunning_requests",
            "[STABLE] Gauge of all active long-running apiserver requests broken out by verb, group, "
            "version, resource, scope and component. Not all requests are tracked this way.",
            _LONG,
            [((*labels, _COMPONENT), n) for labels, n in _summed(now.long_running.items()).items()],
        )

    def _of_objects(self) -> Iterator[Family]:
        counted = [
            (registry.resource, registry.rows.count())
            for registry in self._catalog
            if registry.strategy.view_of is None
        ]
        yield Family(
            "gauge",
            "apiserver_resource_objects",
            "[ALPHA] Number of stored objects at the time of last check split by kind. In case of a "
            "fetching error, the value will be -1.",
            ("group", "resource"),
            [((resource.group, resource.plural), number) for resource, number in counted],
        )
        yield Family(
            "gauge",
            "apiserver_storage_objects",
            "[STABLE] (Deprecated since 1.34.0) [DEPRECATED, consider using apiserver_resource_objects "
            "instead] Number of stored objects at the time of last check split by kind. In case of a "
            "fetching error, the value will be -1.",
            ("resource",),
            [((resource.group_resource,), number) for resource, number in counted],
        )
        yield Family(
            "gauge",
            "apiserver_watch_cache_resource_version",
            "[ALPHA] Current resource version of watch cache broken by resource type. This is truncated to "
            "the 15 least significant digits.",
            ("group", "resource"),
            [
                ((registry.resource.group, registry.resource.plural), registry.revision % 10**15)
                for registry in self._catalog
                if registry.strategy.view_of is None
            ],
        )


def _summed(counts: Iterable[tuple[Kind, int]]) -> Mapping[Labels, int]:
    """By kind, whether it was a dry run or not."""
    found: Counter[Labels] = Counter()
    for kind, number in counts:
        found[(kind.verb, *kind[2:])] += number
    return found


def _coarser(latency: Histogram) -> Histogram:
    """The same in the ranges of kube-apiserver's indicators, which begin with a longer one."""
    coarser = Histogram(_INDICATOR)
    merged = len(latency.bounds) - len(_INDICATOR)
    coarser.counts = [sum(latency.counts[: merged + 1]), *latency.counts[merged + 1 :]]
    coarser.total = latency.total
    return coarser


def _build() -> Labels:
    info = version.info()
    names = ("major", "minor", "gitVersion", "goVersion", "compiler", "platform")
    return tuple(info[name] for name in names)
