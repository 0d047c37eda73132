"""PriorityClass: a name for how important a Pod is, and whether it may take the place of others.

Rules: Kubernetes' "Pod Priority and Preemption" and `ValidatePriorityClass`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from strongroom.api import resources
from strongroom.api.strategy import AGE, NAME, Column, Strategy
from strongroom.machinery import duration, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

NEVER, LOWER = "Never", "PreemptLowerPriority"
POLICIES: Final = (LOWER, NEVER)
HIGHEST: Final = 1_000_000_000
"""The highest value that users may give."""
_PREFIX: Final = "system-"
_SYSTEM: Final = {
    "system-node-critical": (
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    "system-cluster-critical": (
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if "
        "necessary.",
    ),
}


class PriorityClassStrategy(Strategy):
    """`/apis/scheduling.k8s.io/v1/priorityclasses`."""

    resource = resources.PRIORITY_CLASSES
    singular = "priorityclass"
    short_names = ("pc",)
    creates_on_update = True
    has_generation = True
    columns = (
        NAME,
        Column("Value", "integer", description="The priority of Pods of this class."),
        Column("Global-Default", "boolean", description="Whether Pods without a class have this one."),
        AGE,
        Column("PreemptionPolicy", description="Whether they may take the place of other Pods."),
    )

    def default(self, obj: Object) -> None:
        obj.setdefault("value", 0)
        if obj.get("preemptionPolicy") is None:
            obj["preemptionPolicy"] = LOWER

    def is_new_generation(self, new: Object, old: Object) -> bool:
        return False

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        name, policy = obj["metadata"].get("name", ""), obj["preemptionPolicy"]
        if name.startswith(_PREFIX):
            if problem := _differs_from_system(obj, name):
                text = (
                    f"priority class names with '{_PREFIX}' prefix are reserved for system use only. "
                    f"error: {problem}"
                )
                errors.append(validation.forbidden("metadata.name", text))
        elif obj["value"] > HIGHEST:
            text = f"maximum allowed value of a user defined priority is {HIGHEST}"
            errors.append(validation.forbidden("value", text))
        if not policy:
            errors.append(validation.required("preemptionPolicy"))
        elif policy not in POLICIES:
            errors.append(validation.not_supported("preemptionPolicy", policy, POLICIES))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        if new["value"] != old["value"]:
            errors.append(validation.forbidden("value", "may not be changed in an update."))
        policy = new["preemptionPolicy"]
        if policy != old["preemptionPolicy"]:
            errors.append(validation.invalid_value("preemptionPolicy", policy, "field is immutable"))
        return errors

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata = obj["metadata"]
        return [
            metadata["name"],
            obj.get("value", 0),
            obj.get("globalDefault", False),
            duration.age(metadata.get("creationTimestamp"), now),
            obj.get("preemptionPolicy", LOWER),
        ]


def is_system_class(name: str) -> bool:
    return name in _SYSTEM


def system_classes() -> Iterator[Object]:
    """Those that every cluster has."""
    for name, (value, description) in _SYSTEM.items():
        yield {
            "kind": resources.PRIORITY_CLASSES.kind,
            "apiVersion": resources.PRIORITY_CLASSES.api_version,
            "metadata": {"name": name},
            "value": value,
            "description": description,
        }


def _differs_from_system(obj: Object, name: str) -> str:
    known = _SYSTEM.get(name)
    if known is None:
        return f"{name} is not a known system priority class"
    if obj["value"] != known[0]:
        return f"value of {name} PriorityClass must be {known[0]}"
    if obj.get("globalDefault"):
        return f"globalDefault of {name} PriorityClass must be false"
    return ""
