"""A workload and a Secret as the decisions see them. Read from what `workload_cache` keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from strongroom.api.apps.v1 import restart_on_change
from strongroom.api.apps.v1.restart_on_change import Uses
from strongroom.controllers import workload_cache
from strongroom.controllers.deployment import conditions
from strongroom.controllers.restart import record
from strongroom.controllers.restart.record import Record
from strongroom.controllers.restart.seal import Digests
from strongroom.machinery.gvk import Object

CONDITION = "strongroom.dev/SecretRestart"


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret as it is now; without `uid` it does not exist. `since`: seconds since it was changed."""

    uid: str = ""
    resource_version: str = ""
    digests: Digests = field(default_factory=dict, repr=False)
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Workload:
    """`uses` is None: it does not want this. `restarted_at`: the mark that its template carries.

    `template_version`: the resourceVersion that the present template came with, 0 if that is unknown.
    `timed_out`: its new Pods were not ready in time."""

    name: str
    uid: str
    uses: Mapping[str, Uses] | None
    record: Record | None = None
    restarted_at: str = ""
    resource_version: str = ""
    template_version: int = 0
    replicas: int = 1
    paused: bool = False
    deleting: bool = False
    complete: bool = True
    timed_out: bool = False
    conditions: tuple[Object, ...] = ()

    @property
    def reason(self) -> str:
        """The reason of its condition, "" without one."""
        return conditions.reason(self.conditions, CONDITION)


def workload(obj: Object, template_version: int) -> Workload:
    metadata, spec, status = obj["metadata"], obj["spec"], obj["status"]
    noted = (metadata.get("annotations") or {}).get(restart_on_change.OBSERVED)
    found = tuple(status.get("conditions") or ())
    replicas = spec.get("replicas", 1)
    counts = (status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas"))
    settled = status.get("observedGeneration", 0) >= metadata.get("generation", 0)
    return Workload(
        name=metadata["name"],
        uid=metadata["uid"],
        uses=obj.get(workload_cache.USES),
        record=record.parse(noted) if noted is not None else None,
        restarted_at=obj.get(workload_cache.RESTARTED_AT, ""),
        resource_version=metadata.get("resourceVersion", ""),
        template_version=template_version,
        replicas=replicas,
        paused=bool(spec.get("paused")),
        deleting=bool(metadata.get("deletionTimestamp")),
        complete=settled and all(count == replicas for count in counts),
        timed_out=settled and conditions.reason(found, conditions.PROGRESSING) == conditions.TIMED_OUT,
        conditions=found,
    )


def concerns(obj: Object) -> bool:
    """Whether anything may have to be done for a workload."""
    if workload_cache.USES in obj:
        return True
    if restart_on_change.OBSERVED in (obj["metadata"].get("annotations") or {}):
        return True
    return bool(conditions.find(obj["status"].get("conditions") or (), CONDITION))
