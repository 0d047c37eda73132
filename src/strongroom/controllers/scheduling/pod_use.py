"""What a Pod takes of a node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from strongroom.api.core.v1.pod import totals
from strongroom.api.core.v1.pod.totals import Amounts
from strongroom.controllers.scheduling import affinity
from strongroom.controllers.scheduling.affinity import Wishes
from strongroom.machinery.gvk import Object

PREEMPTION = "PreemptionByScheduler"
"""Why a Pod is a DisruptionTarget that makes room for a more important one."""
Port = tuple[str, str, int]
"""Host address ("0.0.0.0": all), protocol, port."""

ANY_ADDRESS = "0.0.0.0"  # noqa: S104


@dataclass(frozen=True, slots=True)
class PodUse:
    """Requests of the whole Pod, the ports of the host that it binds, and what makes it a neighbour."""

    requests: Amounts
    ports: frozenset[Port] = frozenset()
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    wishes: Wishes = affinity.NONE
    owner: str = ""
    """The uid of the controller that made it."""
    leaving: bool = False
    preempted: bool = False
    """It leaves to make room for another Pod."""
    priority: int = 0
    started: str = ""
    """When its node took it on; "" before that."""


def of(pod: Object) -> PodUse:
    """What the scheduler reserves for `pod`."""
    spec, metadata = pod.get("spec") or {}, pod.get("metadata") or {}
    namespace, labels = metadata.get("namespace", ""), metadata.get("labels") or {}
    owners = (o["uid"] for o in metadata.get("ownerReferences") or () if o.get("controller"))
    return PodUse(
        totals.requests(spec),
        frozenset(_ports(spec)),
        namespace,
        labels,
        affinity.wishes(spec, namespace, labels),
        next(owners, ""),
        leaving := bool(metadata.get("deletionTimestamp")),
        leaving and _is_preempted(pod),
        int(spec.get("priority") or 0),
        (pod.get("status") or {}).get("startTime") or "",
    )


def _ports(spec: Mapping[str, Any]) -> Iterable[Port]:
    for container in spec.get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield port.get("hostIP") or ANY_ADDRESS, port.get("protocol") or "TCP", port["hostPort"]


def _is_preempted(pod: Object) -> bool:
    said = ("DisruptionTarget", "True", PREEMPTION)
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any((c.get("type"), c.get("status"), c.get("reason")) == said for c in conditions)
