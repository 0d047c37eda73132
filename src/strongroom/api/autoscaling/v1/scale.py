"""Scale: how many replicas a workload has, without the rest of it. Nothing of it is stored."""

from datetime import datetime
from typing import Any

from strongroom.api.apps.v1 import workload
from strongroom.api.strategy import AGE, NAME, Column, Strategy
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.validation import FieldError

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


class ScaleStrategy(Strategy):
    """The `/scale` of a workload's resource: an object over the workload's keys."""

    columns = (
        NAME,
        Column("Desired", type="integer", description="Number of Pods that are wanted."),
        Column("Available", type="integer", description="Number of Pods that there are."),
        AGE,
    )

    def __init__(self, workloads: Resource) -> None:
        self.resource = Resource(  # type: ignore[misc]
            "autoscaling", "v1", workloads.plural, "Scale", workloads.namespaced, workloads.storage
        )

    def validate(self, obj: Object) -> list[FieldError]:
        return workload.non_negative(replicas(obj), "spec.replicas")

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata = obj["metadata"]
        return [
            metadata["name"],
            replicas(obj),
            obj["status"]["replicas"],
            duration.age(metadata.get("creationTimestamp"), now),
        ]


def of(obj: Object) -> Object:
    """The Scale of a workload."""
    spec, count = obj["spec"], obj["spec"].get("replicas", 0)
    status: Object = {"replicas": (obj.get("status") or {}).get("replicas", 0)}
    if selector := workload.shown_selector(spec):
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: obj["metadata"][field] for field in _METADATA if field in obj["metadata"]},
        # Go leaves a zero out here.
        "spec": {"replicas": count} if count else {},
        "status": status,
    }


def replicas(scale: Object) -> int:
    """The wanted number."""
    count: int = (scale.get("spec") or {}).get("replicas") or 0
    return count


def apply(scale: Object, obj: Object) -> Object:
    """`obj`, a workload that is changed, with the number of `scale` and under its conditions."""
    obj["spec"]["replicas"] = replicas(scale)
    metadata = scale.get("metadata") or {}
    obj["metadata"]["resourceVersion"] = metadata.get("resourceVersion", "")
    if uid := metadata.get("uid"):
        obj["metadata"]["uid"] = uid
    return obj
