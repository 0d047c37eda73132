"""The two shapes of an event: that of core/v1, in which it is stored, and that of events.k8s.io/v1."""

from collections.abc import Mapping, Sequence

from strongroom.api import resources, schema
from strongroom.machinery.gvk import Object, Resource

_FIELDS = (
    ("eventTime", "eventTime"),
    ("series", "series"),
    ("reportingController", "reportingComponent"),
    ("reportingInstance", "reportingInstance"),
    ("action", "action"),
    ("reason", "reason"),
    ("regarding", "involvedObject"),
    ("related", "related"),
    ("note", "message"),
    ("type", "type"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
)
"""Names in the order in which events.k8s.io has its fields."""
TO_CORE: Mapping[str, str] = dict(_FIELDS)
FROM_CORE: Mapping[str, str] = {old: new for new, old in _FIELDS}
_CORE_ORDER = (
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "type",
    "eventTime",
    "series",
    "action",
    "related",
    "reportingComponent",
    "reportingInstance",
)


def to_core(obj: Object) -> Object:
    """As core has it. Shares what it need not change."""
    return _renamed(obj, resources.EVENTS, "core.v1.Event", FROM_CORE, _CORE_ORDER)


def from_core(obj: Object) -> Object:
    """As events.k8s.io has it. Shares what it need not change."""
    return _renamed(obj, resources.NEW_EVENTS, "events.v1.Event", TO_CORE, tuple(TO_CORE))


def _renamed(
    obj: Object, resource: Resource, message: str, names: Mapping[str, str], order: Sequence[str]
) -> Object:
    """`names`: what the fields, in `order`, are called in `obj`."""
    found: Object = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": obj["metadata"]}
    for field in order:
        if value := obj.get(names[field]):
            found[field] = value
    return schema.complete(message, found)
