"""Pods as a resource: what may be written, when, and what it looks like."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.core.v1.pod import (
    app_armor,
    conversion,
    defaults,
    label_keys,
    qos,
    resize,
    status_update,
    table,
    update,
    validation,
    validation_annotations,
    warnings,
)
from strongroom.api.strategy import Strategy, Subresource, keep
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError, forbidden

MIRROR = validation_annotations.MIRROR
GATED = "Scheduling is blocked due to non-empty scheduling gates"


class PodStrategy(Strategy):
    """`/api/v1/…/pods`."""

    resource = resources.PODS
    update_checks = (Check.CHANGE, Check.WHOLE, Check.OWN)
    singular = "pod"
    short_names = ("po",)
    categories = ("all",)
    subresources = (
        Subresource("attach", "PodAttachOptions", ("create", "get")),
        Subresource("binding", "Binding", ("create",)),
        Subresource("ephemeralcontainers", "Pod", ("get", "patch", "update")),
        Subresource("eviction", "Eviction", ("create",), "policy", "v1"),
        Subresource("exec", "PodExecOptions", ("create", "get")),
        Subresource("log", "Pod", ("get",)),
        Subresource("portforward", "PodPortForwardOptions", ("create", "get")),
        Subresource("resize", "Pod", ("get", "patch", "update")),
        Subresource("status", "Pod", ("get", "patch", "update")),
    )
    has_generation = True
    has_status = True
    returns_deleted = True
    field_labels = (
        "metadata.name",
        "metadata.namespace",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    )
    field_label_aliases = {"spec.host": "spec.nodeName"}  # noqa: RUF012
    own_field_label_error = True
    columns = table.COLUMNS

    def convert(self, obj: Object) -> None:
        conversion.convert(obj)

    def default(self, obj: Object) -> None:
        defaults.apply(obj)
        # `spec` stands before `status`, as everywhere.
        if "status" in obj:
            obj["status"] = obj.pop("status")

    def prepare_for_create(self, obj: Object) -> Sequence[str]:
        conversion.drop_disabled(obj["spec"])
        label_keys.apply(obj)
        texts = app_armor.apply(obj)
        defaults.apply_admission(obj, is_new=True)
        obj["status"] = {"phase": "Pending", "qosClass": qos.qos_class(obj)}
        if obj["spec"].get("schedulingGates"):
            obj["status"]["conditions"] = [
                {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": GATED}
            ]
        return texts

    def prepare_for_update(self, new: Object, old: Object) -> None:
        conversion.drop_disabled(new["spec"])
        defaults.apply_admission(new, is_new=False)
        keep(new, old, "status")
        for field in ("priority", "preemptionPolicy"):  # what admission found when it was made
            if new["spec"].get(field) is None:
                keep(new["spec"], old["spec"], field)

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        keep(new, old, "spec")
        keep(new["metadata"], old["metadata"], "ownerReferences")
        status = new.setdefault("status", {})
        if "qosClass" not in status:
            keep(status, old.get("status") or {}, "qosClass")

    def prepare_for_ephemeral_containers(self, new: Object, old: Object) -> None:
        """Turns `new` into `old` with the ephemeral containers of `new`."""
        wanted = new["spec"].get("ephemeralContainers")
        new["spec"] = {key: value for key, value in old["spec"].items() if key != "ephemeralContainers"}
        if wanted:
            new["spec"]["ephemeralContainers"] = wanted
        keep(new, old, "status")
        for field in ("labels", "annotations", "ownerReferences", "finalizers"):
            keep(new["metadata"], old["metadata"], field)

    def validate(self, obj: Object) -> list[FieldError]:
        return validation.validate_create(obj)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return validation.validate(new) + update.validate_update(new, old)

    def validate_ephemeral_containers(self, new: Object, old: Object) -> list[FieldError]:
        if MIRROR in (old["metadata"].get("annotations") or {}):
            return [forbidden("[]", "static pods do not support ephemeral containers")]
        return validation.validate(new) + update.validate_ephemeral_containers(new, old)

    def prepare_for_resize(self, new: Object, old: Object) -> None:
        """Turns `new` into `old` with the resources and resize policies of `new`."""
        resize.prepare(new, old)

    def validate_resize(self, new: Object, old: Object) -> list[FieldError]:
        return validation.validate(new) + resize.validate(new, old)

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        return status_update.validate(new, old)

    def warnings(self, obj: Object, old: Object | None) -> Sequence[str]:
        # Updates are many, and of programs: upstream does not warn of them.
        if old is not None:
            return ()
        name = obj["metadata"].get("name", "")
        return warnings.of_name(name) + warnings.warnings(obj)

    def grace_period(self, obj: Object, asked: int | None) -> int | None:
        """None of it for Pods that no node runs, or that ended; else as asked, else as the Pod says."""
        spec, phase = obj["spec"], (obj.get("status") or {}).get("phase")
        is_mirror = MIRROR in (obj["metadata"].get("annotations") or {})
        if not spec.get("nodeName") or phase in ("Succeeded", "Failed") or is_mirror:
            return 0
        period: int = spec.get("terminationGracePeriodSeconds", 0) if asked is None else asked
        return period if period >= 0 else 1

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        spec, status = obj["spec"], obj.get("status") or {}
        addresses = [address.get("ip", "") for address in status.get("podIPs") or ()]
        return {
            **super().selectable_fields(obj),
            "spec.nodeName": spec.get("nodeName", ""),
            "spec.restartPolicy": spec.get("restartPolicy", ""),
            "spec.schedulerName": spec.get("schedulerName", ""),
            "spec.serviceAccountName": spec.get("serviceAccountName", ""),
            "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
            "status.phase": status.get("phase", ""),
            "status.podIP": addresses[0] if addresses else status.get("podIP", ""),
            "status.podIPs": ",".join(addresses),
            "status.nominatedNodeName": status.get("nominatedNodeName", ""),
        }

    def row(self, obj: Object, now: datetime) -> list[Any]:
        return table.row(obj, now)

    def row_conditions(self, obj: Object) -> list[dict[str, str]]:
        return table.row_conditions(obj)
