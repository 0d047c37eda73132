"""Taking fields out of an object, and finding out which ones an apply takes out."""

from typing import Any, Final

from strongroom.machinery.patch.apply import extraction, field_set, path_element
from strongroom.machinery.patch.apply.field_set import FieldSet
from strongroom.machinery.patch.apply.path_element import SELF, MissingKey
from strongroom.machinery.patch.apply.types import Atomic, ListType, MapType, Scalar, Struct, Type

_GONE: Final = object()


def remove(value: Any, paths: FieldSet, kind: Type) -> Any:
    """A new value without the paths. A list or map that loses its last part becomes None."""
    if not paths or not value:
        return value
    match kind:
        case Scalar() | Atomic():
            return value
        case ListType():
            items = [_item(item, paths, kind) for item in value]
            return [item for item in items if item is not _GONE] or None
    kept = {}
    for name, item in value.items():
        node = paths.get(path_element.field(name))
        if node is None:
            kept[name] = item
        elif not field_set.is_member(node):
            below = _type_below(kind, name)
            kept[name] = item if below is None else remove(item, node, below)
    return kept or None


def _item(item: Any, paths: FieldSet, kind: ListType) -> Any:
    try:
        node = paths.get(path_element.of_item(item, kind))
    except MissingKey:
        return item
    if node is None:
        return item
    return _GONE if field_set.is_member(node) else remove(item, node, kind.element)


def _type_below(kind: MapType | Struct, name: str) -> Type | None:
    return kind.element if isinstance(kind, MapType) else kind.fields.get(name)


def with_structs(paths: FieldSet, kind: Type | None) -> FieldSet:
    """The set, and in it the struct fields that lead to its paths: who owned all of a struct owned it too."""
    found: FieldSet = {}
    for element, node in paths.items():
        if element == SELF:
            continue
        below: Type | None = None
        implied = False
        if isinstance(kind, ListType | MapType):
            below = kind.element
        elif kind is not None and not isinstance(kind, Scalar | Atomic) and element.startswith("f:"):
            below = kind.fields.get(element[2:])
            implied = below is not None
        inner = with_structs(field_set.below(node), below)
        made = field_set.node(implied or field_set.is_member(node), inner)
        if made is not None:
            found[element] = made
    return found


def prune(merged: Any, previous: FieldSet, owned: FieldSet, kind: Type) -> Any:
    """`merged` without what its applier owned before and neither it nor anyone else owns now.

    `previous`: the applier's last set; `owned`: what all managers own now, the applier with its new set."""
    if not previous:
        return merged
    before = with_structs(previous, kind)
    pruned = remove(merged, before, kind)
    has = with_structs(extraction.known_fields(merged, kind), kind)
    # What others own comes back, with all that leads to it.
    kept = with_structs(extraction.known_fields(pruned, kind), kind)
    unowned = field_set.difference(has, field_set.union(kept, with_structs(owned, kind)))
    pruned = remove(merged, unowned, kind)
    # And so does what nobody owns beside it: only the applier's own fields go.
    kept = with_structs(extraction.known_fields(pruned, kind), kind)
    return remove(merged, field_set.intersection(field_set.difference(has, kept), before), kind)
