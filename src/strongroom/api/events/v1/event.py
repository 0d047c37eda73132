"""Event (events.k8s.io/v1): the events of core in their newer shape, under stricter rules.

Rules: `ValidateEventCreate` and `ValidateEventUpdate`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.core.v1 import event
from strongroom.api.events.v1 import conversion
from strongroom.api.strategy import Strategy
from strongroom.machinery import validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_CORE = event.EventStrategy()
_LABELS: Mapping[str, str] = {
    "reason": "reason",
    **{
        f"regarding.{field}": f"involvedObject.{field}"
        for field in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    },
    "reportingController": "reportingComponent",
    "type": "type",
    "metadata.name": "metadata.name",
    "metadata.namespace": "metadata.namespace",
}
"""Fields that a selector may name, with their names in core."""
TYPES = ("Normal", "Warning")
SERIES_MIN = 2
_UNSET = ("firstTimestamp", "lastTimestamp", "count", "source")
_IMMUTABLE = (
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "reason",  # upstream looks at it twice
    "type",
    "eventTime",
    "action",
    "related",
    "reportingComponent",
    "reportingInstance",
)
_ZERO: Mapping[str, Any] = {
    "count": 0,
    **dict.fromkeys(("reason", "message", "type", "action", "reportingComponent", "reportingInstance"), ""),
}
"""What is shown of a field that is gone."""
_SHOWN_AS = {"reportingComponent": "reportingController"}
_REFERENCE = ("Kind", "Namespace", "Name", "UID", "APIVersion", "ResourceVersion", "FieldPath")
_INTERNAL = {"involvedObject": _REFERENCE, "related": _REFERENCE, "source": ("Component", "Host")}
"""The fields of Go's internal types, as which these values are shown."""


class NewEventStrategy(Strategy):
    """`/apis/events.k8s.io/v1/…/events`."""

    resource = resources.NEW_EVENTS
    view_of = resources.EVENTS
    singular = "event"
    creates_on_update = True
    short_names = ("ev",)
    field_labels = tuple(_LABELS)
    own_field_label_error = True
    columns = _CORE.columns

    def validate(self, obj: Object) -> list[FieldError]:
        core = conversion.to_core(obj)
        errors = event.validate(core, "reportingController") + _series(core)
        if not core.get("eventTime"):
            errors.append(validation.required("eventTime"))
        if (kind := core.get("type", "")) not in TYPES:
            errors.append(validation.invalid_value("type", "", f"has invalid value: {kind}"))
        return errors + [
            validation.invalid_value(field, "", "needs to be unset") for field in _UNSET if core.get(field)
        ]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        core, before = conversion.to_core(new), conversion.to_core(old)
        errors = event.validate(core, "reportingController")
        if core.get("series") != before.get("series"):
            errors += _series(core)
        for field in _IMMUTABLE:
            if (value := core.get(field)) != before.get(field):
                shown = _SHOWN_AS.get(field, field)
                if field in _INTERNAL and value is not None:
                    value = {name: value.get(_json_name(name), "") for name in _INTERNAL[field]}
                elif value is None:
                    value = _ZERO.get(field)
                errors.append(validation.invalid_value(shown, value, "field is immutable"))
        return errors

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """`obj` may be in either shape."""
        is_core = obj.get("apiVersion") == resources.EVENTS.api_version
        fields = _CORE.selectable_fields(obj if is_core else conversion.to_core(obj))
        return {label: fields[name] for label, name in _LABELS.items()}

    def row(self, obj: Object, now: datetime) -> list[Any]:
        return _CORE.row(conversion.to_core(obj), now)


def _json_name(name: str) -> str:
    """`APIVersion` is `apiVersion`, `UID` is `uid`, `FieldPath` is `fieldPath`."""
    words = 3 if name[:3].isupper() else 1
    return name[:words].lower() + name[words:]


def _series(core: Object) -> list[FieldError]:
    series = core.get("series")
    if series is None:
        return []
    errors: list[FieldError] = []
    if (series.get("count") or 0) < SERIES_MIN:
        errors.append(validation.invalid_value("series.count", "", f"should be at least {SERIES_MIN}"))
    if not series.get("lastObservedTime"):
        errors.append(validation.required("series.lastObservedTime"))
    return errors
