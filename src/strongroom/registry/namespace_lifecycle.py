"""Namespaces: deleted in two steps, gone when their own finalizers are (`pkg/registry/core/namespace`)."""

from strongroom.aio.clock import Clock
from strongroom.api.core.v1 import namespace
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object
from strongroom.registry import deletion
from strongroom.registry.generic import Registry, Rules
from strongroom.registry.options import DeleteOptions
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache


class NamespaceRegistry(Registry):
    """The first DELETE marks a namespace as terminating; it goes when `spec.finalizers` is empty."""

    def __init__(
        self, strategy: namespace.NamespaceStrategy, cache: WatchCache, objects: ObjectStore, clock: Clock
    ) -> None:
        super().__init__(strategy, cache, objects, clock)
        self.subresources["finalize"] = Rules(strategy.prepare_for_finalize, strategy.validate_finalize)

    def _decide(self, obj: Object, options: DeleteOptions) -> deletion.Outcome:
        metadata = obj["metadata"]
        if not metadata.get("deletionTimestamp"):
            metadata["deletionTimestamp"] = duration.timestamp(self._clock.now())
            obj["status"] = {**(obj.get("status") or {}), "phase": namespace.TERMINATING}
            return deletion.Outcome.MARK
        if (obj.get("spec") or {}).get("finalizers"):
            return deletion.Outcome.NOTHING
        return super()._decide(obj, options)

    def _finished(self, new: Object) -> bool:
        return not (new.get("spec") or {}).get("finalizers") and super()._finished(new)
