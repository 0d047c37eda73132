"""Sets of paths to fields, in the very shape of FieldsV1.

A set is a dict of path elements to nodes. A node `{}` is a path in the set; `{".": {}, …}` is one with paths
below it that are in the set too; any other node only leads to the paths below it. The empty set is `{}`.
Nothing here changes its arguments; results may share parts with them, so no one may change those either.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from strongroom.machinery.patch.apply import path_element
from strongroom.machinery.patch.apply.path_element import SELF

FieldSet = dict[str, Any]
EMPTY: FieldSet = {}
LEAF: FieldSet = {}
MAX_DEPTH = 100


def parse(value: Any, depth: int = MAX_DEPTH) -> FieldSet:
    """A set from the JSON of FieldsV1, in its one spelling. Elements of unknown kinds are left out.

    Raises ValueError for what is no FieldsV1."""
    if not isinstance(value, dict) or not depth:
        raise ValueError("not a FieldsV1")
    found: FieldSet = {}
    for key, below in value.items():
        if key == SELF:
            found[SELF] = LEAF
            continue
        element = path_element.canonical(key)
        if element is not None:
            node = parse(below, depth - 1)
            if node or not below:
                found[element] = LEAF if node.keys() == {SELF} else node
    if depth == MAX_DEPTH:
        found.pop(SELF, None)
    return found


def serialise(fields: FieldSet) -> FieldSet:
    """The JSON of FieldsV1, in upstream's order."""
    return {key: serialise(fields[key]) for key in sorted(fields, key=path_element.order)}


def is_member(node: FieldSet | None) -> bool:
    """Whether the node's own path is in the set."""
    return node is not None and (not node or SELF in node)


def node(member: bool, below: FieldSet) -> FieldSet | None:
    """The node of a path that is in the set or not, with `below` below it; None when nothing is in it."""
    if not below:
        return LEAF if member else None
    return {SELF: LEAF, **below} if member else below


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """Paths in either set."""
    if not right or left is right:
        return left
    if not left:
        return right
    merged = dict(left)
    for key, theirs in right.items():
        ours = merged.get(key)
        merged[key] = theirs if ours is None else _union_node(ours, theirs)
    return merged


def _union_node(left: FieldSet, right: FieldSet) -> FieldSet:
    if left == right:
        return left
    return node(is_member(left) or is_member(right), union(below(left), below(right))) or LEAF


def below(of: FieldSet) -> FieldSet:
    """The paths below a node, without itself."""
    return {key: value for key, value in of.items() if key != SELF} if SELF in of else of


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """Paths in both sets."""
    common: FieldSet = {}
    for key, ours in left.items():
        theirs = right.get(key)
        if theirs is not None and key != SELF:
            both = is_member(ours) and is_member(theirs)
            kept = node(both, intersection(below(ours), below(theirs)))
            if kept is not None:
                common[key] = kept
    return common


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """Paths of `left` that are not in `right`."""
    if not right:
        return left
    rest: FieldSet = {}
    for key, ours in left.items():
        theirs = right.get(key)
        if theirs is None:
            rest[key] = ours
        elif key != SELF:
            only = is_member(ours) and not is_member(theirs)
            kept = node(only, difference(below(ours), below(theirs)))
            if kept is not None:
                rest[key] = kept
    return rest


def of_path(elements: Sequence[str]) -> FieldSet:
    """The set of one path."""
    made: FieldSet = LEAF
    for element in reversed(elements):
        made = {element: made}
    return made


def paths(fields: FieldSet, prefix: str = "") -> Iterator[str]:
    """The paths as messages show them (`.data.k`), in upstream's order."""
    for key in sorted(fields, key=path_element.order):
        if key == SELF:
            continue
        path = prefix + path_element.render(key)
        if is_member(fields[key]):
            yield path
        yield from paths(below(fields[key]), path)
