"""Deployment: equal Pods, and how to get from one version of them to the next.

Rules: Kubernetes' "Deployments" page and `ValidateDeployment`.
"""

from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.apps.v1 import workload
from strongroom.api.strategy import AGE, NAME, Column, Subresource
from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

RECREATE, ROLLING_UPDATE = "Recreate", "RollingUpdate"
SHARE = "25%"
REVISION_HISTORY_LIMIT = 10
PROGRESS_DEADLINE_SECONDS = 600


class DeploymentStrategy(workload.WorkloadStrategy):
    """`/apis/apps/v1/…/deployments`."""

    resource = resources.DEPLOYMENTS
    singular = "deployment"
    short_names = ("deploy",)
    subresources = (
        workload.SCALE,
        Subresource("status", "Deployment", ("get", "patch", "update")),
    )
    spec_order = (
        "replicas",
        "selector",
        "template",
        "strategy",
        "minReadySeconds",
        "revisionHistoryLimit",
        "paused",
        "progressDeadlineSeconds",
    )
    columns = (
        NAME,
        Column("Ready", description="Number of the pod with ready state"),
        Column("Up-to-date", description="Replicas that are of the newest template."),
        Column("Available", description="Replicas that have been ready for long enough."),
        AGE,
        Column("Containers", priority=1, description="Names of each container in the template."),
        Column("Images", priority=1, description="Images referenced by each container in the template."),
        Column("Selector", priority=1, description="Which Pods count."),
    )

    def default_spec(self, spec: Object) -> None:
        given = spec.get("strategy") or {}
        strategy = {"type": given.get("type") or ROLLING_UPDATE}
        rolling = given.get("rollingUpdate")
        if strategy["type"] == ROLLING_UPDATE:
            rolling = rolling or {}
            strategy["rollingUpdate"] = {
                field: SHARE if rolling.get(field) is None else rolling[field]
                for field in ("maxUnavailable", "maxSurge")
            }
        elif rolling is not None:
            strategy["rollingUpdate"] = rolling
        spec["strategy"] = strategy
        spec.setdefault("revisionHistoryLimit", REVISION_HISTORY_LIMIT)
        spec.setdefault("progressDeadlineSeconds", PROGRESS_DEADLINE_SECONDS)

    def is_new_generation(self, new: Object, old: Object) -> bool:
        # Annotations steer a rollout too.
        annotations = [obj["metadata"].get("annotations") or {} for obj in (new, old)]
        return annotations[0] != annotations[1] or super().is_new_generation(new, old)

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        super().prepare_for_status_update(new, old)
        if "labels" in old["metadata"]:
            new["metadata"]["labels"] = old["metadata"]["labels"]
        else:
            new["metadata"].pop("labels", None)

    def validate_spec(self, spec: Object) -> list[FieldError]:
        errors = _strategy(spec["strategy"])
        for field in ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
            errors += workload.non_negative(spec.get(field), f"spec.{field}")
        deadline = spec["progressDeadlineSeconds"]
        if deadline <= spec.get("minReadySeconds", 0):
            text = "must be greater than minReadySeconds"
            errors.append(validation.invalid_value("spec.progressDeadlineSeconds", deadline, text))
        return errors

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        status = new.get("status") or {}
        errors = workload.non_negative(status.get("observedGeneration"), "status.observedGeneration")
        errors += workload.validate_counts(
            status,
            ("updatedReplicas", "readyReplicas", "availableReplicas"),
            ("unavailableReplicas", "terminatingReplicas", "collisionCount"),
        )
        before = (old.get("status") or {}).get("collisionCount")
        collisions = status.get("collisionCount") or 0
        if before is not None and collisions < before:
            text = "cannot be decremented"
            errors.append(validation.invalid_value("status.collisionCount", collisions, text))
        return errors

    def row(self, obj: Object, now: datetime) -> list[Any]:
        status = obj.get("status") or {}
        return [
            obj["metadata"]["name"],
            f"{status.get('readyReplicas', 0)}/{obj['spec'].get('replicas', 0)}",
            status.get("updatedReplicas", 0),
            status.get("availableReplicas", 0),
            workload.age(obj, now),
            *workload.wide_cells(obj),
        ]


def _strategy(strategy: Object) -> list[FieldError]:
    path, kind = "spec.strategy", strategy["type"]
    if kind == RECREATE:
        if "rollingUpdate" not in strategy:
            return []
        text = "may not be specified when strategy `type` is 'Recreate'"
        return [validation.forbidden(f"{path}.rollingUpdate", text)]
    if kind != ROLLING_UPDATE:
        # The field names of Go's internal type.
        rolling = strategy.get("rollingUpdate")
        if rolling is not None:
            amounts = {"MaxUnavailable": 0, "MaxSurge": 0}
            rolling = {name: rolling.get(name[0].lower() + name[1:], zero) for name, zero in amounts.items()}
        shown = {"Type": kind, "RollingUpdate": rolling}
        return [validation.not_supported(path, shown, (RECREATE, ROLLING_UPDATE))]
    path, rolling = f"{path}.rollingUpdate", strategy["rollingUpdate"]
    unavailable, surge = rolling["maxUnavailable"], rolling["maxSurge"]
    errors = _amount(unavailable, f"{path}.maxUnavailable") + _amount(surge, f"{path}.maxSurge")
    if _number(unavailable) == _number(surge) == 0:
        text = "may not be 0 when `maxSurge` is 0"
        errors.append(validation.invalid_value(f"{path}.maxUnavailable", unavailable, text))
    if isinstance(unavailable, str) and _number(unavailable) > 100:
        text = "must not be greater than 100%"
        errors.append(validation.invalid_value(f"{path}.maxUnavailable", unavailable, text))
    return errors


def _amount(value: int | str, path: str) -> list[FieldError]:
    """A number of Pods, or a share of them."""
    if isinstance(value, int):
        return workload.non_negative(value, path)
    return [validation.invalid_value(path, value, message) for message in names.percent(value)]


def _number(value: int | str) -> int:
    """The number, or the per cent; 0 for what is neither. A number may be written as a text."""
    if isinstance(value, int):
        return value
    try:
        return int(value[:-1] if not names.percent(value) else value)
    except ValueError:
        return 0
