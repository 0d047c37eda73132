"""Lease: who holds something, and until when: node heartbeats, elections of leaders."""

from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.strategy import AGE, NAME, Column, Strategy
from strongroom.machinery import duration, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_COORDINATED = ("strategy", "preferredHolder")
"""Fields of coordinated leader election (KEP-4355), which is off: they are dropped."""


class LeaseStrategy(Strategy):
    """`/apis/coordination.k8s.io/v1/…/leases`."""

    resource = resources.LEASES
    singular = "lease"
    any_finalizer = True
    creates_on_update = True
    unconditional_update = False
    columns = (NAME, Column("Holder", description="Who holds the lease."), AGE)

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_for_create(self, obj: Object) -> None:
        _drop_coordination(obj["spec"])

    def prepare_for_update(self, new: Object, old: Object) -> None:
        _drop_coordination(new["spec"])

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        seconds, transitions = (obj["spec"].get(f) for f in ("leaseDurationSeconds", "leaseTransitions"))
        if seconds is not None and seconds <= 0:
            text = "must be greater than 0"
            errors.append(validation.invalid_value("spec.leaseDurationSeconds", seconds, text))
        if transitions is not None and transitions < 0:
            text = "must be greater than or equal to 0"
            errors.append(validation.invalid_value("spec.leaseTransitions", transitions, text))
        return errors

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata = obj["metadata"]
        return [
            metadata["name"],
            (obj.get("spec") or {}).get("holderIdentity", ""),
            duration.age(metadata.get("creationTimestamp"), now),
        ]


def _drop_coordination(spec: Object) -> None:
    for field in _COORDINATED:
        spec.pop(field, None)
