"""Event (core/v1): what happened to an object. Best effort, short lived."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.strategy import Column, Strategy
from strongroom.machinery import duration, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError

TEXT_MAX = 128
MESSAGE_MAX = 1024
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


class EventStrategy(Strategy):
    """`/api/v1/…/events`."""

    resource = resources.EVENTS
    update_checks = (Check.OWN,)
    singular = "event"
    any_finalizer = True
    creates_on_update = True
    short_names = ("ev",)
    field_labels = (
        *(f"involvedObject.{field}" for field in _INVOLVED),
        "reason",
        "reportingComponent",
        "source",
        "type",
        "metadata.name",
        "metadata.namespace",
    )
    own_field_label_error = True
    columns = (
        Column("Last Seen", description="The time at which the most recent occurrence was recorded."),
        Column("Type", description="Normal or Warning."),
        Column("Reason", description="Why it happened, as one word."),
        Column("Object", description="The object that it happened to."),
        Column("Subobject", priority=1, description="The part of the object that it happened to."),
        Column("Source", priority=1, description="Who reported it."),
        Column("Message", description="What happened, for people."),
        Column("First Seen", priority=1, description="The time of the first occurrence."),
        Column("Count", priority=1, description="How many times it occurred."),
        Column("Name", format="name", priority=1, description="The name of the event."),
    )

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return names.path_segment(name, prefix=prefix)

    def validate(self, obj: Object) -> list[FieldError]:
        return validate(obj, "reportingComponent")

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        involved = obj.get("involvedObject") or {}
        fields = {f"involvedObject.{field}": involved.get(field, "") for field in _INVOLVED}
        controller = obj.get("reportingComponent", "")
        fields["reason"] = obj.get("reason", "")
        fields["reportingComponent"] = controller
        fields["source"] = (obj.get("source") or {}).get("component") or controller
        fields["type"] = obj.get("type", "")
        return {**fields, **super().selectable_fields(obj)}

    def row(self, obj: Object, now: datetime) -> list[Any]:
        involved = obj.get("involvedObject") or {}
        first = obj.get("firstTimestamp") or obj.get("eventTime")
        last = obj.get("lastTimestamp") or first
        count = obj.get("count") or 0
        if series := obj.get("series"):
            last, count = series.get("lastObservedTime") or last, series.get("count") or count
        name = involved.get("name", "")
        return [
            duration.age(last, now),
            obj.get("type", ""),
            obj.get("reason", ""),
            f"{involved.get('kind', '').lower()}/{name}" if name else involved.get("kind", "").lower(),
            involved.get("fieldPath", ""),
            _source(obj),
            (obj.get("message") or "").strip(),
            duration.age(first, now),
            count or 1,
            obj["metadata"]["name"],
        ]


def validate(obj: Object, controller_field: str) -> list[FieldError]:
    """The rules of an event in any version; `controller_field`: what the version calls its reporter."""
    namespace = obj["metadata"].get("namespace", "")
    involved = (obj.get("involvedObject") or {}).get("namespace", "")
    timed = bool(obj.get("eventTime"))
    cluster_scoped = ("default", "kube-system") if timed else ("", "default")
    errors: list[FieldError] = []
    fits = namespace in cluster_scoped if not involved else timed or namespace == involved
    if not fits:
        text = "does not match event.namespace"
        errors.append(validation.invalid_value("involvedObject.namespace", involved, text))
    return errors + _validate_reporter(obj, controller_field) if timed else errors


def _source(obj: Object) -> str:
    source = obj.get("source") or {}
    component = source.get("component") or obj.get("reportingComponent") or ""
    host = source.get("host") if source.get("component") else obj.get("reportingInstance")
    return f"{component}, {host}" if host else component


def _validate_reporter(obj: Object, controller_field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    controller = obj.get("reportingComponent", "")
    if not controller:
        errors.append(validation.required(controller_field))
    errors += [
        validation.invalid_value(controller_field, controller, m) for m in names.qualified_name(controller)
    ]
    for field in ("reportingInstance", "action", "reason"):
        value = obj.get(field, "")
        if not value:
            errors.append(validation.required(field))
        if names.size(value) > TEXT_MAX:
            errors.append(validation.invalid_value(field, "", f"can have at most {TEXT_MAX} characters"))
    if names.size(obj.get("message", "")) > MESSAGE_MAX:
        errors.append(validation.invalid_value("message", "", f"can have at most {MESSAGE_MAX} characters"))
    return errors
