"""Services as a resource. Their addresses and node ports are chosen by the registry.

Rules: Kubernetes' "Service" page and `pkg/registry/core/service`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.core.v1.service import (
    defaults,
    kinds,
    status_validation,
    table,
    validation,
    warnings,
)
from strongroom.api.strategy import Strategy, Subresource
from strongroom.machinery import names
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError


class ServiceStrategy(Strategy):
    """`/api/v1/…/services`."""

    resource = resources.SERVICES
    singular = "service"
    creates_on_update = True
    short_names = ("svc",)
    categories = ("all",)
    subresources = (Subresource("status", "Service", ("get", "patch", "update")),)
    has_status = True
    returns_deleted = True
    field_labels = ("metadata.name", "metadata.namespace", "spec.clusterIP", "spec.type")
    own_field_label_error = True
    columns = table.COLUMNS

    def default(self, obj: Object) -> None:
        spec = obj.pop("spec", None) or {}
        status = obj.pop("status", None) or {}
        defaults.apply(spec)
        kinds.put_in_order(spec)
        obj["spec"] = spec
        obj["status"] = {"loadBalancer": {}, **status}
        defaults.apply_to_status(obj["status"])

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {"loadBalancer": {}}
        defaults.normalize(obj["spec"], None)
        kinds.put_in_order(obj["spec"])

    def prepare_for_update(self, new: Object, old: Object) -> None:
        super().prepare_for_update(new, old)
        spec, before = new["spec"], old["spec"]
        defaults.keep_allocated(spec, before)
        defaults.normalize(spec, before)
        defaults.drop_by_type(spec, before)
        kinds.put_in_order(spec)

    def validate(self, obj: Object) -> list[FieldError]:
        errors = validation.validate_annotations(obj) + validation.validate(obj["spec"])
        return errors + validation.validate_source_ranges(obj)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = validation.validate_update(new["spec"], old["spec"])
        errors += validation.validate_annotations(new) + validation.validate(new["spec"], old["spec"])
        return errors + validation.validate_source_ranges(new, old)

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        return status_validation.validate(new)

    def warnings(self, obj: Object, old: Object | None) -> Sequence[str]:
        return warnings.of(obj)

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return names.dns1123_label(name, prefix=prefix)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        spec = obj["spec"]
        return {
            **super().selectable_fields(obj),
            "spec.clusterIP": spec.get("clusterIP", ""),
            "spec.type": spec.get("type", ""),
        }

    def row(self, obj: Object, now: datetime) -> list[Any]:
        return table.row(obj, now)
