"""ReplicaSet: a number of equal Pods.

Rules: Kubernetes' "ReplicaSet" page and `ValidateReplicaSet`.
"""

from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.apps.v1 import workload
from strongroom.api.strategy import AGE, NAME, Column, Subresource
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError


class ReplicaSetStrategy(workload.WorkloadStrategy):
    """`/apis/apps/v1/…/replicasets`."""

    resource = resources.REPLICA_SETS
    singular = "replicaset"
    short_names = ("rs",)
    subresources = (
        workload.SCALE,
        Subresource("status", "ReplicaSet", ("get", "patch", "update")),
    )
    own_rules_first = True
    spec_order = ("replicas", "minReadySeconds", "selector", "template")
    columns = (
        NAME,
        Column("Desired", type="integer", description="Number of Pods that are wanted."),
        Column("Current", type="integer", description="Number of Pods that there are."),
        Column("Ready", type="integer", description="Number of Pods that are ready."),
        AGE,
        Column("Containers", priority=1, description="Names of each container in the template."),
        Column("Images", priority=1, description="Images referenced by each container in the template."),
        Column("Selector", priority=1, description="Which Pods count."),
    )

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {"replicas": 0}

    def validate_spec(self, spec: Object) -> list[FieldError]:
        return workload.non_negative(spec.get("minReadySeconds"), "spec.minReadySeconds")

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        counts = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
        more = ("observedGeneration", "terminatingReplicas")
        return workload.validate_counts(new.get("status") or {}, counts, more)

    def row(self, obj: Object, now: datetime) -> list[Any]:
        status = obj.get("status") or {}
        return [
            obj["metadata"]["name"],
            obj["spec"].get("replicas", 0),
            status.get("replicas", 0),
            status.get("readyReplicas", 0),
            workload.age(obj, now),
            *workload.wide_cells(obj),
        ]
