"""Namespaces: deleted in two steps, and gone when their own finalizers are (`pkg/registry/core/namespace`)."""

from strongroom.aio.clock import Clock
from strongroom.api.strategy import Strategy
from strongroom.machinery import duration, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError
from strongroom.registry import deletion
from strongroom.registry.encoding import copy
from strongroom.registry.generic import Registry, Rules
from strongroom.registry.options import DeleteOptions
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache


class NamespaceRegistry(Registry):
    """The first DELETE marks a namespace as terminating; it goes when `spec.finalizers` is empty."""

    def __init__(self, strategy: Strategy, cache: WatchCache, objects: ObjectStore, clock: Clock) -> None:
        super().__init__(strategy, cache, objects, clock)
        self.subresources["finalize"] = Rules(_prepare_finalize, _validate_finalize)

    def _decide(self, obj: Object, options: DeleteOptions) -> deletion.Outcome:
        metadata = obj["metadata"]
        if not metadata.get("deletionTimestamp"):
            metadata["deletionTimestamp"] = duration.timestamp(self._clock.now())
            obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
            return deletion.Outcome.MARK
        if (obj.get("spec") or {}).get("finalizers"):
            return deletion.Outcome.NOTHING
        return super()._decide(obj, options)

    def _finished(self, new: Object) -> bool:
        return not (new.get("spec") or {}).get("finalizers") and super()._finished(new)


def _prepare_finalize(new: Object, old: Object) -> None:
    if "status" in old:
        new["status"] = copy(old["status"])
    else:
        new.pop("status", None)


def _validate_finalize(new: Object, old: Object) -> list[FieldError]:
    return [
        validation.invalid_value(f"spec.finalizers[{index}]", finalizer, message)
        for index, finalizer in enumerate((new.get("spec") or {}).get("finalizers") or ())
        for message in names.qualified_name(finalizer)
    ]
