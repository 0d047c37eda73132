"""Apply itself: merge, take out what the applier gave up, find conflicts, settle who owns what."""

from typing import NamedTuple

from strongroom.machinery.gvk import Object
from strongroom.machinery.patch.apply import (
    comparison,
    extraction,
    field_set,
    merging,
    removal,
    updating,
)
from strongroom.machinery.patch.apply.conflicts import Conflicts
from strongroom.machinery.patch.apply.field_set import EMPTY
from strongroom.machinery.patch.apply.manager import Managed, Manager, Owned, updater
from strongroom.machinery.patch.apply.types import Type

BEFORE_FIRST_APPLY = "before-first-apply"


class Applied(NamedTuple):
    """The object, and who owns what in it. The object may share parts with what went in."""

    obj: Object
    managed: Managed


def apply(
    live: Object,
    document: Object,
    kind: Type,
    managed: Managed,
    manager: Manager,
    api_version: str,
    time: str,
    *,
    force: bool = False,
) -> Applied:
    """What `manager` makes of `live` by applying `document`; neither holds `metadata.managedFields`.

    Raises TypedError for a document that is not of the type, Conflicts unless `force`."""
    fields = updating.tracked(extraction.fields(document, kind))
    if not managed:
        first = updater(BEFORE_FIRST_APPLY, api_version)
        managed = updating.update({"metadata": {}}, live, kind, managed, first, time)
    merged = merging.merge(live, document, kind)
    previous = managed.get(manager)
    known = previous.time if previous else ""
    settled = {**managed, manager: Owned(fields, api_version, known)}
    owned = EMPTY
    for each in settled.values():
        owned = field_set.union(owned, each.fields)
    merged = removal.prune(merged, previous.fields if previous else EMPTY, owned, kind)
    difference = comparison.compare(live, merged, kind)
    others = {each: own for each, own in settled.items() if each != manager}
    if not force:
        _check(others, difference)
    after = updating.lose(others, difference)
    changed = bool(difference.changed or difference.removed)
    if fields:
        same = not changed and previous is not None and previous.fields == fields
        after[manager] = Owned(fields, api_version, known if same else time)
    return Applied(merged, updating.cap(after))


def _check(others: Managed, difference: comparison.Comparison) -> None:
    found = {
        manager: field_set.intersection(owned.fields, difference.changed) for manager, owned in others.items()
    }
    found = {manager: fields for manager, fields in found.items() if fields}
    if found:
        raise Conflicts(found)
