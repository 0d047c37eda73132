"""Pods: with the subresources that add ephemeral containers and resize containers."""

from strongroom.aio.clock import Clock
from strongroom.api.core.v1.pod import strategy
from strongroom.registry.generic import Registry, Rules
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache


class PodRegistry(Registry):
    """Writes of `pods/ephemeralcontainers` and `pods/resize` are updates with rules of their own."""

    def __init__(
        self, pods: strategy.PodStrategy, cache: WatchCache, objects: ObjectStore, clock: Clock
    ) -> None:
        super().__init__(pods, cache, objects, clock)
        self.subresources["ephemeralcontainers"] = Rules(
            pods.prepare_for_ephemeral_containers,
            pods.validate_ephemeral_containers,
            checks=pods.update_checks,
        )
        self.subresources["resize"] = Rules(
            pods.prepare_for_resize, pods.validate_resize, checks=pods.update_checks
        )
