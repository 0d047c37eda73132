"""The `/scale` subresource: a small object over a workload, read and written as if it were one of its own."""

import orjson

from strongroom.aio.clock import Clock
from strongroom.api.autoscaling.v1 import scale
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.registry import scale_managers
from strongroom.registry.encoding import Document
from strongroom.registry.generic import Admit, Registry, Revise, Rules, Written
from strongroom.registry.managed_fields import Writer
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache


class ScaleRegistry(Registry):
    """Scales of the workloads of one registry. Conflicts and missing objects are the workload's."""

    def __init__(self, workloads: Registry, cache: WatchCache, objects: ObjectStore, clock: Clock) -> None:
        super().__init__(scale.ScaleStrategy(workloads.resource), cache, objects, clock)
        self._workloads = workloads

    async def read(self, namespace: str, name: str, at_least: int = 0) -> Document:
        """The Scale of a workload."""
        entry = await self._workloads.get(namespace, name, at_least)
        return _document(entry.decode())

    async def update(
        self,
        namespace: str,
        name: str,
        revise: Revise,
        *,
        rules: Rules | None = None,
        writer: Writer | None = None,
        admit: Admit | None = None,
        dry_run: bool = False,
        patched: bool = False,
    ) -> Written:
        """Write the number of replicas into the workload. `rules` are always the workload's own."""
        version = self._workloads.resource.api_version

        def scaled(current: Object) -> Object:
            before = current["metadata"].get("managedFields") or []
            shown = scale.of(current)
            if writer is None and before:
                shown["metadata"]["managedFields"] = scale_managers.of_scale(before, version)
            wanted = revise(shown)
            if errors := self.strategy.validate(wanted):
                raise status.invalid(self.resource, name, errors)
            if writer is None:
                given = wanted["metadata"].get("managedFields") or []
                current["metadata"]["managedFields"] = scale_managers.of_workload(given, before, version)
            return scale.apply(wanted, current)

        written = await self._workloads.update(
            namespace, name, scaled, writer=writer, admit=admit, dry_run=dry_run, patched=patched
        )
        return Written(_document(written.document.obj), written.warnings, written.changed)


def _document(workload: Object) -> Document:
    made = scale.of(workload)
    return Document(orjson.dumps(made), made)
