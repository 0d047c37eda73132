"""`metadata.managedFields` on every write: who set which field ("Server-Side Apply" of Kubernetes' docs).

Like upstream, an object that has no managers gets none by an update; only a creation or an apply begins.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from strongroom.api import apply_schema
from strongroom.api.strategy import Strategy
from strongroom.machinery.gvk import Object
from strongroom.machinery.patch.apply import comparison, field_set, manager, updating
from strongroom.machinery.patch.apply.comparison import Comparison
from strongroom.machinery.patch.apply.field_set import FieldSet
from strongroom.machinery.patch.apply.manager import Managed, Manager
from strongroom.machinery.patch.apply.types import Atomic, MapType, Scalar, Struct, Type
from strongroom.registry import settled
from strongroom.registry.settled import Settled

_FIELD: Final = "managedFields"
_NEW: Final[Object] = {"metadata": {}}
_SHAPES_MAX: Final = 2048
_SHAPE_KEYS_MAX: Final = 64
_AFTER_MAX: Final = 512
_AFTER_LONGEST: Final = 8 * 1024
"""Bytes of what an entry of `_after` is known by."""
_SILENT_METADATA: Final = frozenset(
    ("name", "namespace", "uid", "creationTimestamp", "generation", "selfLink", "resourceVersion")
)
_FLAT_METADATA: Final = frozenset(("labels", "annotations"))


class Writer(NamedTuple):
    """The field manager of a request, and the subresource that it writes to ("": the object itself)."""

    name: str
    subresource: str = ""


class ManagedFields:
    """Those of one resource's objects."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._resource = strategy.resource
        self._api_version = strategy.resource.api_version
        self._kind: Struct | None = None
        self._flat: frozenset[str] = frozenset()
        self._whole: frozenset[str] = frozenset()
        self._shapes: dict[tuple[Any, ...], FieldSet] = {}
        self._after: dict[tuple[bytes, bytes, Manager], Settled | None] = {}

    @property
    def kind(self) -> Struct:
        """The type of the objects."""
        if self._kind is None:
            self._kind = apply_schema.of_kind(self._resource)
            fields = self._kind.fields
            self._whole = frozenset(name for name, of in fields.items() if isinstance(of, Scalar | Atomic))
            self._flat = frozenset(name for name, of in fields.items() if _is_flat(of))
        return self._kind

    def created(self, obj: Object, writer: Writer) -> None:
        """Notes in a new object that `writer` made it at its creationTimestamp."""
        metadata = obj["metadata"]
        given = metadata.pop(_FIELD, None)
        managed = _decode(given) if given else None
        time = metadata.get("creationTimestamp", "")
        if managed:
            by = manager.updater(writer.name, self._api_version, writer.subresource)
            managed = updating.update(_NEW, self._without_status(obj), self.kind, managed, by, time)
            metadata[_FIELD] = manager.encode(managed)
            return
        fields = self.of_new(obj)
        if fields:
            # `manager.entry`, by hand: every creation comes by here, and subresources do not.
            metadata[_FIELD] = [
                {
                    "manager": writer.name or manager.UNKNOWN,
                    "operation": manager.UPDATE,
                    "apiVersion": self._api_version,
                    "time": time,
                    "fieldsType": manager.FIELDS_V1,
                    "fieldsV1": fields,
                }
            ]

    def asked(self, obj: Object, writer: Writer, time: str) -> None:
        """Notes in what is asked and not stored who asks."""
        metadata = obj["metadata"]
        metadata.pop(_FIELD, None)
        fields = self.of_new(obj)
        if fields:
            by = manager.updater(writer.name, self._api_version, writer.subresource)
            owned = manager.Owned(fields, self._api_version, time)
            metadata[_FIELD] = [manager.entry(by, owned, fields)]

    def updated(self, new: Object, old: Object, given: Any, writer: Writer, time: str) -> None:
        """Notes in `new` what `writer` changed in `old`. `given`: managedFields as the request had them.

        A request may rewrite the entries, or clear them by `[]` or `[{}]`, but not through a subresource."""
        before = old["metadata"].get(_FIELD) or []
        metadata = new["metadata"]
        metadata.pop(_FIELD, None)
        managed: Managed = {}
        if writer.subresource or given is None or given == before:
            given = before
        elif given in ([], [{}]):
            return
        else:
            managed = _decode(given)
        if not managed:
            given = before
        if not given:
            return
        difference = comparison.compare(_without_managers(old), new, self.kind)
        if given is before and not difference.changed and not difference.removed:
            metadata[_FIELD] = before
            return
        by = manager.updater(writer.name, self._api_version, writer.subresource)
        if given is before and (times := settled.times(before)) is not None:
            known = self._settled(before, difference, by)
            if known is not None:
                metadata[_FIELD] = known.entries(times, time)
                return
        after = updating.settle(managed or _decode(before), difference, by, time)
        if after:
            metadata[_FIELD] = manager.encode(after)

    def after(self, old: Object, new: Object, writer: Writer) -> Settled | None:
        """What becomes of the managers of `old` when `writer` makes `new` of it and leaves them as they are.

        None: nothing changes, or it does not rest on the keys and the managers alone."""
        difference = comparison.compare(_without_managers(old), _without_managers(new), self.kind)
        if not difference.changed and not difference.removed:
            return None
        by = manager.updater(writer.name, self._api_version, writer.subresource)
        return self._settled(old["metadata"][_FIELD], difference, by)

    def _settled(self, before: Sequence[Any], difference: Comparison, by: Manager) -> Settled | None:
        """What comes of a change of entries that all have times. Known once for all that are alike."""
        key = (settled.timeless(before), orjson.dumps([*difference]), by)
        try:
            return self._after[key]
        except KeyError:
            found = settled.settle(before, difference, by)
        if sum(map(len, key[:2])) <= _AFTER_LONGEST:
            if len(self._after) >= _AFTER_MAX:
                self._after.clear()
            self._after[key] = found
        return found

    def same_but_times(self, new: Object, old: Object) -> bool:
        """Whether the managers of two states own the same, but not since the same time."""
        after, before = new["metadata"].get(_FIELD), old["metadata"].get(_FIELD)
        if not after or not before or after == before:
            return False
        return manager.without_times(after) == manager.without_times(before)

    def _without_status(self, obj: Object) -> Object:
        """Status is not the creator's to set."""
        if self._strategy.has_status and "status" in obj:
            return {key: value for key, value in obj.items() if key != "status"}
        return obj

    def of_new(self, obj: Object) -> FieldSet:
        """What the creator of an object owns in it. Objects with the same keys have the same, made once."""
        kind = self.kind
        shape = self._shape(obj)
        if shape is not None and (known := self._shapes.get(shape)) is not None:
            return known
        difference = comparison.compare(_NEW, self._without_status(obj), kind)
        fields = field_set.serialise(updating.tracked(difference.changed))
        if shape is not None and len(shape) <= _SHAPE_KEYS_MAX:
            if len(self._shapes) >= _SHAPES_MAX:
                self._shapes.clear()
            self._shapes[shape] = fields
        return fields

    def _shape(self, obj: Object) -> tuple[Any, ...] | None:
        """All that the set rests on, if that is the keys alone."""
        shape: list[Any] = []
        for name, value in obj.items():
            if name == "metadata":
                for field, item in value.items():
                    if field in _FLAT_METADATA:
                        shape += (field, len(item), *item)
                    elif field not in _SILENT_METADATA:
                        return None
            elif name in self._whole:
                shape.append(name)
            elif name in self._flat and value.__class__ is dict:
                shape += (name, len(value), *value)
            elif name != "status" or not self._strategy.has_status:
                return None
        return tuple(shape)


def _without_managers(obj: Object) -> Object:
    return {**obj, "metadata": {key: item for key, item in obj["metadata"].items() if key != _FIELD}}


def _is_flat(kind: Type) -> bool:
    """Whether what is owned in a value rests on its keys alone."""
    if isinstance(kind, MapType):
        return isinstance(kind.element, Scalar | Atomic)
    fields: Mapping[str, Type] = getattr(kind, "fields", {})
    return bool(fields) and all(isinstance(of, Scalar | Atomic) for of in fields.values())


def _decode(entries: Sequence[Any]) -> Managed:
    """None of what can't be read: it must not stand in the way of the write."""
    try:
        return manager.decode(entries)
    except ValueError:
        return {}
