"""The set of fields that an applied document names, and whether the document is of its kind's type."""

from typing import Any

from strongroom.machinery.patch.apply import field_set, path_element
from strongroom.machinery.patch.apply.errors import TypedError
from strongroom.machinery.patch.apply.field_set import LEAF, FieldSet
from strongroom.machinery.patch.apply.path_element import MissingKey
from strongroom.machinery.patch.apply.types import (
    BOOLEAN,
    NUMERIC,
    STRING,
    UNTYPED,
    Atomic,
    Items,
    ListType,
    MapType,
    Scalar,
    Struct,
    Type,
)
from strongroom.machinery.validation import go_quote

_MAX_PROBLEMS = 100
_CONFIDENTIAL = (".data", ".stringData")


def fields(obj: Any, kind: Type) -> FieldSet:
    """The paths that `obj` names: leaves, empty lists and maps, list elements, entries of maps.

    Raises TypedError listing every unknown field, wrong type and repeated element."""
    walk = _Walk()
    try:
        found = walk.below(obj, kind, "")
    except RecursionError:
        raise TypedError([("", "exceeded max depth")]) from None
    if walk.problems:
        raise TypedError(walk.problems[:_MAX_PROBLEMS])
    return found


def known_fields(obj: Any, kind: Type) -> FieldSet:
    """The same for an object that is stored: what its type does not know is left out, nothing raises."""
    return _Walk().below(obj, kind, "")


class _Walk:
    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []

    def _problem(self, path: str, text: str) -> FieldSet:
        self.problems.append((path, text))
        return LEAF

    def below(self, value: Any, kind: Type, path: str) -> FieldSet:
        """The paths below `path`; LEAF when `path` itself is the leaf."""
        match kind:
            case Scalar():
                return self._scalar(value, kind, path)
            case Atomic():
                if isinstance(kind.inner, Items):
                    self._items(value, kind.inner, path)
                else:
                    self._map(value, kind.inner, path)
                return LEAF
            case ListType():
                return self._list(value, kind, path)
        return self._map(value, kind, path)

    def _scalar(self, value: Any, kind: Scalar, path: str) -> FieldSet:
        if value is None or kind.kind == UNTYPED:
            return LEAF
        shown = _shown(value, path)
        if kind.kind == STRING and not isinstance(value, str):
            return self._problem(path, f"expected string, got &value.valueUnstructured{{Value:{shown}}}")
        if kind.kind == BOOLEAN and not isinstance(value, bool):
            return self._problem(path, f"expected boolean, got &value.valueUnstructured{{Value:{shown}}}")
        if kind.kind == NUMERIC and (isinstance(value, bool) or not isinstance(value, int | float)):
            return self._problem(path, f"expected numeric (int or float), got {_go_type(value)}")
        return LEAF

    def _items(self, value: Any, kind: Items, path: str) -> None:
        if value is not None and not isinstance(value, list):
            self._problem(path, f"expected list, got {_shown(value, path)}")
            return
        for index, item in enumerate(value or ()):
            self.below(item, kind.element, f"{path}[{index}]")

    def _list(self, value: Any, kind: ListType, path: str) -> FieldSet:
        if value is None:
            return LEAF
        if not isinstance(value, list):
            return self._problem(path, f"expected list, got {_shown(value, path)}")
        found: FieldSet = {}
        for index, item in enumerate(value):
            try:
                element = path_element.of_item(item, kind)
            except MissingKey as error:
                self._problem(path, f"element {index}: {error}")
                continue
            where = path + path_element.render(element)
            if element in found:
                self._problem(path, f"duplicate entries for key {path_element.render(element)}")
            found[element] = field_set.node(True, self.below(item, kind.element, where))
        return found

    def _map(self, value: Any, kind: MapType | Struct, path: str) -> FieldSet:
        if value is None:
            return LEAF
        if not isinstance(value, dict):
            return self._problem(path, f"expected map, got {_shown(value, path)}")
        found: FieldSet = {}
        for name, item in value.items():
            where = f"{path}.{name}"
            of = kind.element if isinstance(kind, MapType) else kind.fields.get(name)
            if of is None:
                self._problem(where, "field not declared in schema")
                continue
            found[path_element.field(name)] = self.below(item, of, where)
        return found


def _shown(value: Any, path: str) -> str:
    """A value in an error text. Confidential ones are not shown, nor collections, which may hold them."""
    if path.startswith(_CONFIDENTIAL) or isinstance(value, dict | list):
        return f"({_go_type(value)})"
    if isinstance(value, bool):
        return "true" if value else "false"
    return go_quote(value) if isinstance(value, str) else str(value)


def _go_type(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case int():
            return "int64"
        case float():
            return "float64"
        case list():
            return "[]interface {}"
    return "map[string]interface {}"
