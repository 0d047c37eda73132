"""What an applied document makes of the live object: maps and keyed lists are joined, all else replaced."""

from typing import Any

from strongroom.machinery.patch.apply import path_element
from strongroom.machinery.patch.apply.path_element import MissingKey
from strongroom.machinery.patch.apply.types import Atomic, ListType, MapType, Scalar, Struct, Type


def merge(live: Any, applied: Any, kind: Type) -> Any:
    """A new value; parts are shared with both, nothing is changed. `applied` must be of the type."""
    match kind:
        case Scalar() | Atomic():
            return applied
        case ListType():
            return _merge_list(live, applied, kind)
    return _merge_map(live, applied, kind)


def _merge_map(live: Any, applied: Any, kind: MapType | Struct) -> Any:
    if not isinstance(applied, dict):
        return live or applied
    if not isinstance(live, dict):
        return applied
    merged = dict(live)
    for name, value in applied.items():
        below = kind.element if isinstance(kind, MapType) else kind.fields.get(name)
        merged[name] = merge(merged[name], value, below) if name in merged and below is not None else value
    return merged


def _merge_list(live: Any, applied: Any, kind: ListType) -> Any:
    """The applied elements in their order; those of the live list alone stay where they can."""
    if not applied or not live:
        return live or applied
    olds = [_element(item, kind) for item in live]
    news = [_element(item, kind) for item in applied]
    first = {element: index for index, element in reversed(list(enumerate(olds)))}
    wanted, done = set(news), set()
    shared = [element for element in news if element in first]
    merged: list[Any] = []
    left = right = 0
    while left < len(olds) or right < len(news):
        old = olds[left] if left < len(olds) else None
        if left < len(olds) and old not in wanted:
            merged.append(live[left])
            left += 1
        elif left < len(olds) and (old in done or (shared and right < len(news) and shared[0] != old)):
            left += 1  # its turn has been, or comes where the applied list has it
        else:
            new = news[right]
            at = first.get(new)
            item = applied[right]
            merged.append(item if at is None else merge(live[at], item, kind.element))
            done.add(new)
            right += 1
            if shared and shared[0] == new:
                shared.pop(0)
    return merged


def _element(item: Any, kind: ListType) -> str | None:
    try:
        return path_element.of_item(item, kind)
    except MissingKey:
        return None
