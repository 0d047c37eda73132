"""What DELETE does to an object: nothing, mark it, or remove it (`apiserver/pkg/registry/rest/delete.go`)."""

from datetime import datetime, timedelta
from enum import Enum, auto

from strongroom.api.resources import NAMESPACES
from strongroom.api.strategy import Strategy
from strongroom.machinery import duration, meta, status
from strongroom.machinery.gvk import Object, Resource
from strongroom.registry.options import DeleteOptions


class Outcome(Enum):
    NOTHING = auto()
    """It is being deleted already."""
    MARK = auto()
    """Store the object as changed; it goes when its finalizers or its grace period are over."""
    REMOVE = auto()


def check_preconditions(resource: Resource, obj: Object, options: DeleteOptions) -> None:
    """Raises StatusError 409 when `obj` is not the object that was meant."""
    metadata = obj["metadata"]
    if resource == NAMESPACES:
        _check_of_namespace(metadata, options)
    if options.uid and options.uid != metadata["uid"]:
        raise _conflict(
            resource,
            metadata["name"],
            f"the UID in the precondition ({options.uid}) does not match the UID in record "
            f"({metadata['uid']}). The object might have been deleted and then recreated",
        )
    if options.resource_version and options.resource_version != metadata["resourceVersion"]:
        raise _conflict(
            resource,
            metadata["name"],
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the "
            f"ResourceVersion in record ({metadata['resourceVersion']}). The object might have been modified",
        )


def _check_of_namespace(metadata: Object, options: DeleteOptions) -> None:
    """The same, in the words that `registry/core/namespace/storage` has of its own."""
    for name, wanted, found in (
        ("UID", options.uid, metadata["uid"]),
        ("ResourceVersion", options.resource_version, metadata["resourceVersion"]),
    ):
        if wanted and wanted != found:
            why = f"Precondition failed: {name} in precondition: {wanted}, {name} in object meta: {found}"
            raise status.conflict(NAMESPACES, metadata["name"], why)


def _conflict(resource: Resource, name: str, cause: str) -> status.StatusError:
    details = {"name": name, "kind": resource.kind}
    if resource.group:
        details["group"] = resource.group
    text = f'Operation cannot be fulfilled on {resource.group_kind} "{name}": {cause}'
    return status.StatusError(409, "Conflict", text, details)


def decide(strategy: Strategy, obj: Object, options: DeleteOptions, now: datetime) -> Outcome:
    """What to do with `obj`, which is changed in place for MARK.

    For REMOVE it is changed too if its kind knows grace: so it is answered for the last time."""
    metadata = obj["metadata"]
    before = list(metadata.get("finalizers") or ())
    finalizers = _finalizers(before, options, strategy)
    asked = options.grace_period_seconds
    if asked is not None and asked < 0:
        asked = 1
    period = strategy.grace_period(obj, asked)
    if period is None:
        return _at_once(metadata, before, finalizers, now)
    marked, current = metadata.get("deletionTimestamp"), metadata.get("deletionGracePeriodSeconds")
    if marked and current is None:
        return _at_once(metadata, before, finalizers, now)
    if marked and (asked is None or period >= current):
        # Only a shorter period counts; the end of one that is over is brought by whoever acts on it.
        return Outcome.REMOVE if current == 0 and not finalizers else Outcome.NOTHING
    if marked:
        begun = duration.parse_timestamp(marked) - timedelta(seconds=current)
        metadata["deletionTimestamp"] = duration.timestamp(begun + timedelta(seconds=period))
    else:
        metadata["deletionTimestamp"] = duration.timestamp(now + timedelta(seconds=period))
        _bump_generation(metadata)
    metadata["deletionGracePeriodSeconds"] = period
    _set_finalizers(metadata, finalizers)
    return Outcome.MARK if period or finalizers else Outcome.REMOVE


def _at_once(metadata: Object, before: list[str], finalizers: list[str], now: datetime) -> Outcome:
    if not finalizers:
        return Outcome.REMOVE
    if metadata.get("deletionTimestamp") and finalizers == before:
        return Outcome.NOTHING
    if not metadata.get("deletionTimestamp"):
        metadata["deletionTimestamp"] = duration.timestamp(now)
        _bump_generation(metadata)
    metadata["deletionGracePeriodSeconds"] = 0
    _set_finalizers(metadata, finalizers)
    return Outcome.MARK


def _finalizers(present: list[str], options: DeleteOptions, strategy: Strategy) -> list[str]:
    """The finalizers that remain to be waited for: those of others, and the garbage collector's as asked."""
    own = [name for name in present if name in (meta.ORPHAN, meta.FOREGROUND)]
    wanted = {
        "Orphan": [meta.ORPHAN],
        "Foreground": [meta.FOREGROUND],
        "Background": [],
        "": own or ([meta.ORPHAN] if strategy.orphans_dependents else []),
    }[_policy(options)]
    return [name for name in present if name not in (meta.ORPHAN, meta.FOREGROUND)] + wanted


def _policy(options: DeleteOptions) -> str:
    if options.orphan_dependents is None:
        return options.propagation_policy
    return "Orphan" if options.orphan_dependents else "Background"


def _bump_generation(metadata: Object) -> None:
    if generation := metadata.get("generation"):
        metadata["generation"] = generation + 1


def _set_finalizers(metadata: Object, finalizers: list[str]) -> None:
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)


def finished(obj: Object) -> bool:
    """Whether nothing keeps a marked object any more: an update that leaves it so removes it."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    return not metadata.get("deletionGracePeriodSeconds")
