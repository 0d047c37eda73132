"""Field managers, and `metadata.managedFields` as sets by manager."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from strongroom.machinery.gvk import Object
from strongroom.machinery.patch.apply import field_set
from strongroom.machinery.patch.apply.field_set import FieldSet

APPLY: Final = "Apply"
UPDATE: Final = "Update"
FIELDS_V1: Final = "FieldsV1"
UNKNOWN: Final = "unknown"


class Manager(NamedTuple):
    """Who wrote: two entries with the same one are one. `api_version` is "" for appliers' entries."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    def identifier(self) -> bytes:
        """What upstream sorts managers by."""
        fields = {"manager": self.name, "operation": self.operation}
        if self.api_version:
            fields["apiVersion"] = self.api_version
        if self.subresource:
            fields["subresource"] = self.subresource
        return orjson.dumps(fields)


def applier(name: str, subresource: str = "") -> Manager:
    return Manager(name or UNKNOWN, APPLY, "", subresource)


def updater(name: str, api_version: str, subresource: str = "") -> Manager:
    return Manager(name or UNKNOWN, UPDATE, api_version, subresource)


@dataclass(frozen=True, slots=True)
class Owned:
    """What a manager owns: `fields`, as paths of `api_version`, since `time` (RFC 3339, "" if not known)."""

    fields: FieldSet
    api_version: str
    time: str = ""


Managed = dict[Manager, Owned]


def decode(entries: Sequence[Any]) -> Managed:
    """The entries of `metadata.managedFields`. Raises ValueError for what is none."""
    managed: Managed = {}
    for entry in entries:
        operation = entry.get("operation")
        if operation not in (APPLY, UPDATE) or entry.get("fieldsType", FIELDS_V1) != FIELDS_V1:
            raise ValueError("not an entry of managedFields")
        version, subresource = entry.get("apiVersion", ""), entry.get("subresource", "")
        manager = Manager(
            entry.get("manager", ""), operation, "" if operation == APPLY else version, subresource
        )
        fields = field_set.parse(entry.get("fieldsV1") or {})
        managed[manager] = Owned(fields, version, entry.get("time") or "")
    return managed


def encode(managed: Managed) -> list[Object]:
    """Entries in upstream's order: appliers first, then by time and manager."""
    ordered = sorted(
        managed.items(),
        key=lambda item: (
            item[0].operation,
            item[1].time,
            item[0].name,
            item[1].api_version,
            item[0].subresource,
        ),
    )
    return [entry(manager, owned, field_set.serialise(owned.fields)) for manager, owned in ordered]


def entry(manager: Manager, owned: Owned, fields: FieldSet) -> Object:
    """One entry; `fields` is the serialised set."""
    made: Object = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": owned.api_version,
    }
    if owned.time:
        made["time"] = owned.time
    made["fieldsType"] = FIELDS_V1
    made["fieldsV1"] = fields
    if manager.subresource:
        made["subresource"] = manager.subresource
    return made


def without_times(entries: Sequence[Any]) -> list[Any]:
    """Entries for comparing: without their times, in an order that does not rest on them."""
    bare = [{key: value for key, value in entry.items() if key != "time"} for entry in entries]
    return sorted(bare, key=lambda each: orjson.dumps(each, option=orjson.OPT_SORT_KEYS))
