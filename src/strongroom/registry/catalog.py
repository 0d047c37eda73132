"""Which resources are served, and what stands behind each."""

from collections.abc import Iterator, Mapping

from strongroom.aio.clock import Clock
from strongroom.api import resources, scheme
from strongroom.api.core.v1 import namespace, secret
from strongroom.api.core.v1.pod import strategy as pod
from strongroom.machinery.gvk import Resource
from strongroom.registry import encoding
from strongroom.registry.generic import Registry
from strongroom.registry.namespace_lifecycle import NamespaceRegistry
from strongroom.registry.new_events import NewEventRegistry
from strongroom.registry.pod_binding import PodBinding
from strongroom.registry.pod_eviction import PodEviction
from strongroom.registry.pods import PodRegistry
from strongroom.registry.scale import ScaleRegistry
from strongroom.registry.secrets import SecretRegistry
from strongroom.registry.service_addresses import ServiceRegistry
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache
from strongroom.telemetry.store_requests import StoreRequests


def store_requests() -> StoreRequests:
    """For the object store: counts by kind what the engine is asked for."""
    return StoreRequests(
        {
            r.storage_prefix: (r.group, r.plural)
            for r, strategy in scheme.STRATEGIES.items()
            if strategy.view_of is None
        }
    )


def prefixes() -> Mapping[str, bytes]:
    """For the watch cache: each resource's key prefix, with the bytes that its encoded objects begin with."""
    return {
        r.storage_prefix: encoding.head(r.api_version, r.kind)
        for r, strategy in scheme.STRATEGIES.items()
        if strategy.view_of is None
    }


class Catalog:
    """The registries, by resource and by the parts of a URL."""

    def __init__(self, cache: WatchCache, objects: ObjectStore, clock: Clock) -> None:
        self._cache = cache
        self.store_requests = objects.requests
        """What the engine was asked for."""
        self._registries: dict[Resource, Registry] = {}
        self._groups: dict[tuple[str, str], dict[str, Registry]] = {}
        for resource, strategy in scheme.STRATEGIES.items():
            registry: Registry
            if isinstance(strategy, namespace.NamespaceStrategy):
                registry = NamespaceRegistry(strategy, cache, objects, clock)
            elif resource == resources.NEW_EVENTS:
                registry = NewEventRegistry(
                    strategy, self._registries[resources.EVENTS], cache, objects, clock
                )
            elif isinstance(strategy, pod.PodStrategy):
                registry = PodRegistry(strategy, cache, objects, clock)
            elif isinstance(strategy, secret.SecretStrategy):
                registry = SecretRegistry(strategy, cache, objects, clock)
            elif resource == resources.SERVICES:
                registry = ServiceRegistry(strategy, cache, objects, clock)
            else:
                registry = Registry(strategy, cache, objects, clock)
            self._registries[resource] = registry
            self._groups.setdefault((resource.group, resource.version), {})[resource.plural] = registry
        self.scales: Mapping[Resource, ScaleRegistry] = {
            resource: ScaleRegistry(self._registries[resource], cache, objects, clock)
            for resource, strategy in scheme.STRATEGIES.items()
            if any(sub.name == "scale" for sub in strategy.subresources)
        }
        """Of the resources that have a `/scale`."""
        self.pod_binding = PodBinding(self._registries[resources.PODS], clock)
        self.pod_eviction = PodEviction(self._registries[resources.PODS], clock)

    def __getitem__(self, resource: Resource) -> Registry:
        return self._registries[resource]

    def lookup(self, group: str, version: str, plural: str) -> Registry | None:
        """The registry of a resource as a URL names it."""
        return self._groups.get((group, version), {}).get(plural)

    def __iter__(self) -> Iterator[Registry]:
        return iter(self._registries.values())

    def group_versions(self) -> Mapping[tuple[str, str], Mapping[str, Registry]]:
        """By (group, version): the registries by plural name."""
        return self._groups

    def is_ready(self) -> bool:
        """Whether reads can be answered."""
        return self._cache.ready
