"""A Deployment and its ReplicaSets as the decisions see them. Read from what `workload_cache` keeps.

Source: Kubernetes documentation, "Deployments"; the API reference of DeploymentSpec.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from strongroom.controllers import workload_cache
from strongroom.machinery import integers
from strongroom.machinery.gvk import Object

REVISION = "deployment.kubernetes.io/revision"
NO_DEADLINE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """`digest`: of its template. `settled`: its status is of its present spec."""

    name: str
    uid: str = ""
    resource_version: str = ""
    created: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    replicas: int = 0
    min_ready_seconds: int = 0
    settled: bool = True
    deleting: bool = False
    actual: int = 0
    ready: int = 0
    available: int = 0
    terminating: int | None = 0
    failures: tuple[Object, ...] = ()

    @property
    def revision(self) -> int:
        return number(self.annotations.get(REVISION))


@dataclass(frozen=True, slots=True)
class Deployment:
    """`surge` and `unavailable` are numbers of Pods, and 0 for the strategy Recreate."""

    name: str
    namespace: str
    uid: str
    generation: int
    annotations: Mapping[str, str]
    digest: str
    replicas: int
    recreate: bool
    surge: int
    unavailable: int
    min_ready_seconds: int
    history_limit: int | None
    deadline: int | None
    paused: bool
    deleting: bool
    status: Mapping[str, Any]
    resource_version: str

    @property
    def collisions(self) -> int | None:
        count: int | None = self.status.get("collisionCount")
        return count

    @property
    def conditions(self) -> list[Object]:
        return list(self.status.get("conditions") or ())


def number(text: str | None) -> int:
    """0 for what is none."""
    return (integers.parse(text, 0) if text else None) or 0


def replica_set(obj: Object) -> ReplicaSet:
    metadata, spec, status = obj["metadata"], obj["spec"], obj["status"]
    return ReplicaSet(
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata.get("resourceVersion", ""),
        created=metadata.get("creationTimestamp", ""),
        annotations=metadata.get("annotations") or {},
        digest=obj[workload_cache.DIGEST],
        replicas=spec.get("replicas", 0),
        min_ready_seconds=spec.get("minReadySeconds", 0),
        settled=metadata.get("generation", 0) <= status.get("observedGeneration", 0),
        deleting=bool(metadata.get("deletionTimestamp")),
        actual=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        terminating=status.get("terminatingReplicas"),
        failures=tuple(c for c in status.get("conditions") or () if c["type"] == "ReplicaFailure"),
    )


def deployment(obj: Object) -> Deployment:
    metadata, spec = obj["metadata"], obj["spec"]
    strategy = spec.get("strategy") or {}
    replicas = spec.get("replicas", 1)
    recreate = strategy.get("type") == "Recreate"
    surge, unavailable = (0, 0) if recreate else bounds(strategy.get("rollingUpdate") or {}, replicas)
    deadline = spec.get("progressDeadlineSeconds")
    return Deployment(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        annotations=metadata.get("annotations") or {},
        digest=obj[workload_cache.DIGEST],
        replicas=replicas,
        recreate=recreate,
        surge=surge,
        unavailable=unavailable,
        min_ready_seconds=spec.get("minReadySeconds", 0),
        history_limit=spec.get("revisionHistoryLimit"),
        deadline=None if deadline == NO_DEADLINE else deadline,
        paused=bool(spec.get("paused")),
        deleting=bool(metadata.get("deletionTimestamp")),
        status=obj["status"],
        resource_version=metadata.get("resourceVersion", ""),
    )


def bounds(rolling: Object, replicas: int) -> tuple[int, int]:
    """How many Pods there may be more than `replicas`, and how many may be unavailable."""
    surge = amount(rolling.get("maxSurge") or 0, replicas, round_up=True)
    unavailable = amount(rolling.get("maxUnavailable") or 0, replicas, round_up=False)
    if surge == unavailable == 0:
        unavailable = 1  # both were rounded to nothing, which would stop every rollout
    return surge, min(unavailable, replicas)


def amount(value: int | str, of: int, *, round_up: bool) -> int:
    """A number, or a share in per cent."""
    if isinstance(value, int):
        return value
    parts = of * number(value.rstrip("%"))
    return -(-parts // 100) if round_up else parts // 100


def total(sets: Iterable[ReplicaSet]) -> int:
    """The replicas that they are to have."""
    return sum(each.replicas for each in sets)
