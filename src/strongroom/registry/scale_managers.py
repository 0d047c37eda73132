"""Who owns the number of replicas: managedFields of a workload as its Scale shows them, and back.

Kubernetes' "Server-Side Apply" and `apimachinery/pkg/util/managedfields/scalehandler.go`.
"""

from collections.abc import Sequence
from typing import Any, Final

from strongroom.machinery.gvk import Object
from strongroom.machinery.patch.apply import field_set, manager
from strongroom.machinery.patch.apply.manager import Managed, Manager, Owned

_SCALE: Final = "autoscaling/v1"
_REPLICAS: Final = field_set.of_path(("f:spec", "f:replicas"))
"""The path in both kinds."""


def of_scale(entries: Sequence[Any], api_version: str) -> list[Object]:
    """The entries that own the number, as those of a Scale. `api_version`: the workload's."""
    shown: Managed = {}
    for who, owned in _decode(entries).items():
        if owned.api_version == api_version and _has_replicas(owned):
            shown[_as(who, _SCALE)] = Owned(_REPLICAS, _SCALE, owned.time)
    return manager.encode(shown)


def of_workload(scale_entries: Sequence[Any], entries: Sequence[Any], api_version: str) -> list[Object]:
    """The workload's entries after a write of its Scale, whose entries now are `scale_entries`."""
    owners = {
        _as(who, api_version): owned for who, owned in _decode(scale_entries).items() if _has_replicas(owned)
    }
    after: Managed = {}
    for who, owned in _decode(entries).items():
        kept = owned
        if owned.api_version == api_version and _has_replicas(owned) and who not in owners:
            kept = Owned(field_set.difference(owned.fields, _REPLICAS), owned.api_version, owned.time)
        if kept.fields:
            after[who] = kept
    for who, owned in owners.items():
        before = after.get(who)
        fields = field_set.union(before.fields, _REPLICAS) if before else _REPLICAS
        after[who] = Owned(fields, api_version, owned.time)
    return manager.encode(after)


def _decode(entries: Sequence[Any]) -> Managed:
    """None of what can't be read: it must not stand in the way of the write."""
    try:
        return manager.decode(entries)
    except ValueError:
        return {}


def _has_replicas(owned: Owned) -> bool:
    return bool(field_set.intersection(owned.fields, _REPLICAS))


def _as(who: Manager, api_version: str) -> Manager:
    """The same manager in another version; appliers are the same in all."""
    return who._replace(api_version=api_version) if who.api_version else who
