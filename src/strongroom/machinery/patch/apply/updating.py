"""Who owns what after a write other than apply: the writer what it set, and no one what it removed."""

from strongroom.machinery.gvk import Object
from strongroom.machinery.patch.apply import comparison, field_set
from strongroom.machinery.patch.apply.comparison import Comparison
from strongroom.machinery.patch.apply.field_set import FieldSet
from strongroom.machinery.patch.apply.manager import UPDATE, Managed, Manager, Owned, updater
from strongroom.machinery.patch.apply.types import Type

UPDATERS_MAX = 10
ANCIENT = "ancient-changes"
_UNTRACKED: FieldSet = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {
        ".": {},
        "f:name": {},
        "f:namespace": {},
        "f:creationTimestamp": {},
        "f:selfLink": {},
        "f:uid": {},
        "f:clusterName": {},
        "f:generation": {},
        "f:managedFields": {},
        "f:resourceVersion": {},
    },
}


def tracked(fields: FieldSet) -> FieldSet:
    """Without the paths that have no owners: those that the system sets, and that say which object it is."""
    return field_set.difference(fields, _UNTRACKED)


def update(old: Object, new: Object, kind: Type, managed: Managed, manager: Manager, time: str) -> Managed:
    """The managers after `manager` wrote `new` over `old`, at `time`."""
    return settle(managed, comparison.compare(old, new, kind), manager, time)


def settle(managed: Managed, difference: Comparison, manager: Manager, time: str) -> Managed:
    """The managers after `manager` made the difference, at `time`."""
    if not difference.changed and not difference.removed:
        return managed
    left = lose(managed, difference)
    taken = tracked(difference.changed)
    if taken:
        before = left.get(manager)
        fields = field_set.union(before.fields, taken) if before else taken
        left[manager] = Owned(fields, manager.api_version, time)
    return cap(left)


def lose(managed: Managed, difference: Comparison) -> Managed:
    """Everyone without the paths that were set or removed; who has none left is gone."""
    gone = field_set.union(difference.changed, difference.removed)
    left: Managed = {}
    for manager, owned in managed.items():
        fields = field_set.difference(owned.fields, gone)
        if fields:
            left[manager] = Owned(fields, owned.api_version, owned.time)
    return left


def cap(managed: Managed) -> Managed:
    """At most UPDATERS_MAX entries of updates: the oldest of each version become one."""
    updaters = [manager for manager in managed if manager.operation == UPDATE]
    surplus = len(updaters) - UPDATERS_MAX
    if surplus <= 0:
        return managed
    updaters.sort(key=lambda manager: (managed[manager].time, manager.identifier()))
    left = dict(managed)
    first: dict[str, Manager] = {}
    for manager in updaters:
        if surplus <= 0:
            break
        owned = left[manager]
        version = owned.api_version
        if version not in first:
            first[version] = manager
            continue
        bucket = updater(ANCIENT, version)
        if bucket not in left:
            left[bucket] = left.pop(first[version])
        if manager != bucket:
            del left[manager]
            joined = field_set.union(left[bucket].fields, owned.fields)
            left[bucket] = Owned(joined, version, owned.time)
            surplus -= 1
    return left
