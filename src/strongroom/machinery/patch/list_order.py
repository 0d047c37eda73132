"""The order of a merged list: what the patch lists comes in its order, the rest keeps its neighbours."""

from collections.abc import Sequence
from typing import Any

from strongroom.machinery.patch import errors


def identity(element: Any, merge_key: str) -> Any:
    """What makes an element that element: its merge key's value, or itself in a list of primitives.

    Raises StatusError 500 when it lacks the key."""
    if not merge_key:
        value = element
    elif isinstance(element, dict) and merge_key in element:
        value = element[merge_key]
    else:
        raise errors.failed(
            f"map: {errors.go_value(element)} does not contain declared merge key: {merge_key}"
        )
    if isinstance(value, dict | list):
        raise errors.malformed(f"{errors.json_kind(value)} where a list element is told apart by its value")
    return value


def arrange(merged: list[Any], wanted: Sequence[Any], before: Sequence[Any], merge_key: str) -> list[Any]:
    """`merged` with the elements that `wanted` names in that order.

    The others come as they stood in `before`, each ahead of the first named element that it preceded."""
    wanted_at = positions(wanted, merge_key)
    before_at = positions(before, merge_key)
    named: list[Any] = []
    others: list[Any] = []
    for element in merged:
        (named if identity(element, merge_key) in wanted_at else others).append(element)
    named.sort(key=lambda element: wanted_at[identity(element, merge_key)])
    others.sort(key=lambda element: before_at.get(identity(element, merge_key), len(before_at)))
    arranged: list[Any] = []
    taken = 0
    for element in named:
        position = before_at.get(identity(element, merge_key), -1)
        while (
            taken < len(others)
            and before_at.get(identity(others[taken], merge_key), len(before_at)) < position
        ):
            arranged.append(others[taken])
            taken += 1
        arranged.append(element)
    return arranged + others[taken:]


def positions(elements: Sequence[Any], merge_key: str) -> dict[Any, int]:
    """Where each element stands first. Those without the merge key are left out."""
    found: dict[Any, int] = {}
    for index, element in enumerate(elements):
        if not merge_key or (isinstance(element, dict) and merge_key in element):
            found.setdefault(identity(element, merge_key), index)
    return found
