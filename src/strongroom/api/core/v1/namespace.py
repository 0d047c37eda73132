"""Namespace: the scope of names. It ends when its content is gone (`finalizers`, `Terminating`).

Rules: Kubernetes' "Namespaces" page and `pkg/registry/core/namespace`. What deleting means is the registry's.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.strategy import AGE, NAME, Column, Strategy, Subresource, keep
from strongroom.machinery import duration, meta, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"
ACTIVE, TERMINATING = "Active", "Terminating"


class NamespaceStrategy(Strategy):
    """`/api/v1/namespaces`."""

    resource = resources.NAMESPACES
    update_checks = (Check.WHOLE, Check.OWN, Check.CHANGE)
    singular = "namespace"
    short_names = ("ns",)
    verbs = ("create", "delete", "get", "list", "patch", "update", "watch")
    subresources = (
        Subresource("finalize", "Namespace", ("update",)),
        Subresource("status", "Namespace", ("get", "patch", "update")),
    )
    has_status = True
    returns_deleted = True
    field_labels = ("metadata.name", "status.phase")
    own_field_label_error = True
    columns = (NAME, Column("Status", description="The status of the namespace"), AGE)

    def default(self, obj: Object) -> None:
        reported = obj.get("status")
        if reported is not None and not reported.get("phase"):
            reported["phase"] = ACTIVE
        # Set on every decode, so that it can't be taken away.
        if name := obj["metadata"].get("name"):
            labels = obj["metadata"].get("labels") or {}
            if labels.get(NAME_LABEL) != name:
                obj["metadata"]["labels"] = {**labels, NAME_LABEL: name}

    def prepare_for_create(self, obj: Object) -> None:
        """A new namespace is Active and carries the finalizer `kubernetes` beside what was asked for."""
        finalizers = (obj.get("spec") or {}).get("finalizers") or []
        obj["spec"] = {"finalizers": finalizers if FINALIZER in finalizers else [*finalizers, FINALIZER]}
        obj["status"] = {"phase": ACTIVE}
        self.default(obj)

    def prepare_for_update(self, new: Object, old: Object) -> None:
        """Finalizers and status have paths of their own."""
        keep(new, old, "spec")
        keep(new, old, "status")

    def prepare_for_finalize(self, new: Object, old: Object) -> None:
        """Only `spec.finalizers` is written through `/finalize`."""
        keep(new, old, "status")

    def validate(self, obj: Object) -> list[FieldError]:
        return [
            error
            for finalizer in (obj.get("spec") or {}).get("finalizers") or ()
            for error in _validate_finalizer(finalizer, "spec.finalizers")
        ]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return []

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        phase = (new.get("status") or {}).get("phase")
        if new["metadata"].get("deletionTimestamp"):
            if phase != TERMINATING:
                text = "may only be 'Terminating' if `deletionTimestamp` is not empty"
                return [validation.invalid_value("status.Phase", phase or "", text)]
        elif phase != ACTIVE:
            text = "may only be 'Active' if `deletionTimestamp` is empty"
            return [validation.invalid_value("status.Phase", phase or "", text)]
        return []

    def validate_finalize(self, new: Object, old: Object) -> list[FieldError]:
        return [
            error
            for index, finalizer in enumerate((new.get("spec") or {}).get("finalizers") or ())
            for error in _validate_finalizer(finalizer, f"spec.finalizers[{index}]")
        ]

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return names.dns1123_label(name, prefix=prefix)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {
            "metadata.name": obj["metadata"]["name"],
            "status.phase": (obj.get("status") or {}).get("phase", ""),
        }

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata = obj["metadata"]
        phase = (obj.get("status") or {}).get("phase", "")
        return [metadata["name"], phase, duration.age(metadata.get("creationTimestamp"), now)]


def _validate_finalizer(finalizer: str, path: str) -> list[FieldError]:
    errors = [validation.invalid_value(path, finalizer, m) for m in names.qualified_name(finalizer)]
    return errors + meta.validate_finalizer_domain(finalizer, path)
