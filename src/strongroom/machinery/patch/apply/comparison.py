"""The structural difference of two states of an object: the paths that a write has set, and has removed."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from strongroom.machinery.patch.apply import field_set, path_element
from strongroom.machinery.patch.apply.field_set import EMPTY, LEAF, FieldSet
from strongroom.machinery.patch.apply.path_element import MissingKey
from strongroom.machinery.patch.apply.types import Atomic, ListType, MapType, Scalar, Struct, Type

_MISSING: Final = object()


class Comparison(NamedTuple):
    """`changed`: paths that are new or have another value; a new map or element is a path itself."""

    changed: FieldSet
    removed: FieldSet


def compare(old: Any, new: Any, kind: Type) -> Comparison:
    """From `old` to `new`, objects of one type."""
    changed, removed = _compare(old, new, kind)
    return Comparison(changed or EMPTY, removed or EMPTY)


_Nodes = tuple[FieldSet | None, FieldSet | None]
_SAME: _Nodes = (None, None)
_CHANGED: _Nodes = (LEAF, None)
_REMOVED: _Nodes = (None, LEAF)


def _compare(old: Any, new: Any, kind: Type) -> _Nodes:
    """The nodes of a path in the changed and in the removed set."""
    if isinstance(kind, Scalar | Atomic):
        return _leaf(old, new)
    olds: Mapping[str, Any]
    news: Mapping[str, Any]
    if isinstance(kind, ListType):
        olds, news = _items(old, kind), _items(new, kind)
    else:
        olds, news = _entries(old, kind), _entries(new, kind)
    if not olds and not news:
        return _leaf(old, new)
    changed: FieldSet = {}
    removed: FieldSet = {}
    for name in olds.keys() | news.keys():
        before, after = olds.get(name, _MISSING), news.get(name, _MISSING)
        if before == after and before.__class__ is after.__class__:
            # Most of an object stays as it was. (True equals 1 below here, but no field can hold both.)
            continue
        if isinstance(kind, ListType):
            element, below = name, kind.element
        else:
            element = path_element.field(name)
            below = kind.element if isinstance(kind, MapType) else kind.fields[name]
        more, less = _repeated(before, after) if _several(before, after) else _compare(before, after, below)
        if more is not None:
            changed[element] = more
        if less is not None:
            removed[element] = less
    return field_set.node(old is _MISSING, changed), field_set.node(new is _MISSING, removed)


def _leaf(old: Any, new: Any) -> _Nodes:
    if new is _MISSING:
        return _REMOVED
    return _SAME if old is not _MISSING and _equal(old, new) else _CHANGED


def _equal(left: Any, right: Any) -> bool:
    # In Python True equals 1; in JSON it does not.
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def _entries(value: Any, kind: MapType | Struct) -> Mapping[str, Any]:
    """What a map or struct holds, with what is there though the document does not say so."""
    if not isinstance(value, dict) or isinstance(kind, MapType):
        return value if isinstance(value, dict) else {}
    always, known = kind.always, kind.fields
    if value.keys() <= known.keys() and always.keys() <= value.keys():
        return value
    return {**always, **{name: item for name, item in value.items() if name in known}}


class _Several(list[Any]):
    """Items of a list that are alike by their keys."""


def _items(value: Any, kind: ListType) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in value if isinstance(value, list) else ():
        try:
            element = path_element.of_item(item, kind)
        except MissingKey:
            continue  # a stored object that breaks its type: such an item has no owner
        if element in found:
            earlier = found[element]
            found[element] = _Several([*earlier] if isinstance(earlier, _Several) else [earlier])
            found[element].append(item)
        else:
            found[element] = item
    return found


def _several(old: Any, new: Any) -> bool:
    return isinstance(old, _Several) or isinstance(new, _Several)


def _repeated(old: Any, new: Any) -> _Nodes:
    """Items that stand in the list twice are owned together."""
    if old is _MISSING or new is _MISSING:
        return _leaf(old, new)
    return _SAME if type(old) is type(new) and old == new else _CHANGED
