"""`/metrics`: what the server counts, under kube-apiserver's names, for Prometheus."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from strongroom.api import resources
from strongroom.machinery import status
from strongroom.registry import service_addresses
from strongroom.registry.catalog import Catalog
from strongroom.registry.service_addresses import ServiceRegistry
from strongroom.server import responses, version
from strongroom.server.in_flight import InFlight
from strongroom.server.request import Request
from strongroom.server.request_counts import RequestCounts
from strongroom.telemetry import metrics
from strongroom.telemetry.metrics import Family, Histogram, Labels
from strongroom.telemetry.requests import Kind

PATH: Final = "/metrics"
_REQUEST: Final = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")
_LONG: Final = ("verb", "group", "version", "resource", "subresource", "scope", "component")
_COMPONENT: Final = "apiserver"
_LASTING: Final = frozenset(("WATCH", "CONNECT"))


class Metrics:
    """Answers /metrics; who may ask is a matter of roles (`system:monitoring`)."""

    def __init__(self, requests: RequestCounts, in_flight: InFlight, catalog: Catalog) -> None:
        self._requests = requests
        self._in_flight = in_flight
        self._catalog = catalog

    def has(self, path: str) -> bool:
        return path == PATH

    async def serve(self, request: Request) -> None:
        if request.method not in ("GET", "HEAD"):
            raise status.method_not_allowed()
        text, content_type = metrics.exposition(self.families, request.header(b"accept"))
        self._in_flight.settle()
        await responses.large(request, 200, text, (b"content-type", content_type.encode()))

    def families(self) -> Iterator[Family]:
        """All but those of the process. None has a label that a client could make up."""
        yield from self._of_requests()
        yield from self._of_load()
        yield from self._of_objects()
        yield from self._of_addresses()
        yield Family(
            "gauge",
            "kubernetes_build_info",
            "Which Kubernetes this speaks, and what it is built with.",
            ("major", "minor", "git_version", "go_version", "compiler", "platform"),
            [(_build(), 1)],
        )

    def _of_requests(self) -> Iterator[Family]:
        counts = [count for count in self._requests if count.code]
        yield Family(
            "counter",
            "apiserver_request_total",
            "Requests answered, by kind and by the code of the answer.",
            (*_REQUEST, "code"),
            [((*count.kind, _COMPONENT, str(count.code)), count.number) for count in counts],
        )
        yield Family(
            "histogram",
            "apiserver_request_duration_seconds",
            "Seconds that requests took, by kind; those of watches last as long as the watch.",
            _REQUEST,
            [((*kind, _COMPONENT), latency) for kind, latency in self._requests.latencies()],
        )
        yield Family(
            "histogram",
            "apiserver_request_sli_duration_seconds",
            "The same without watches and sessions: nothing waits here for webhooks or priorities.",
            _LONG,
            [((*labels, _COMPONENT), latency) for labels, latency in self._indicators().items()],
        )
        yield Family(
            "counter",
            "apiserver_request_aborts_total",
            "Requests whose client left before their answer.",
            _LONG[:-1],
            _summed((c.kind, c.number) for c in self._requests if not c.code).items(),
        )
        yield Family(
            "counter",
            "apiserver_request_terminations_total",
            "Requests refused because too many were under way.",
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
                found.setdefault(labels, Histogram(latency.bounds)).add(latency)
        return found

    def _of_addresses(self) -> Iterator[Family]:
        services = self._catalog[resources.SERVICES]
        if not isinstance(services, ServiceRegistry):
            return
        used = services.used()
        by_range = ("cidr",)
        subnet = str(service_addresses.SERVICE_RANGE)
        for name, help, labels, values, number in (
            ("clusterip_allocator_allocated_ips", "Cluster IPs in use.", by_range, (subnet,), used.ips),
            ("clusterip_allocator_available_ips", "Cluster IPs left.", by_range, (subnet,), used.ips_left),
            ("nodeport_allocator_allocated_ports", "Node ports in use.", (), (), used.ports),
            ("nodeport_allocator_available_ports", "Node ports left.", (), (), used.ports_left),
        ):
            yield Family("gauge", f"kube_apiserver_{name}", help, labels, [(values, number)])

    def _of_load(self) -> Iterator[Family]:
        now = self._in_flight
        yield Family(
            "gauge",
            "apiserver_current_inflight_requests",
            "The most requests that were under way at once since the last time that this was asked.",
            ("request_kind",),
            [(("readOnly",), now.most_reading), (("mutating",), now.most_mutating)],
        )
        yield Family(
            "gauge",
            "apiserver_longrunning_requests",
            "Watches, sessions and logs under way.",
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
            "Objects stored.",
            ("group", "resource"),
            [((resource.group, resource.plural), number) for resource, number in counted],
        )
        yield Family(
            "gauge",
            "apiserver_storage_objects",
            "Objects stored, as it was called before Kubernetes 1.34.",
            ("resource",),
            [((resource.group_resource,), number) for resource, number in counted],
        )
        yield Family(
            "gauge",
            "apiserver_watch_cache_resource_version",
            "The version up to which the watch cache is, in its fifteen last digits.",
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


def _build() -> Labels:
    info = version.info()
    names = ("major", "minor", "gitVersion", "goVersion", "compiler", "platform")
    return tuple(info[name] for name in names)
