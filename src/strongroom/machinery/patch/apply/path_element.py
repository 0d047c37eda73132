"""One step of a path to a field as FieldsV1 writes it: `f:‹name›`, `k:‹keys›`, `v:‹value›`, `i:‹index›`."""

from typing import Any, Final

import orjson

from strongroom.machinery.patch.apply.types import ListType
from strongroom.machinery.validation import go_quote

SELF: Final = "."
"""The key by which a node of a set says that its own path is in the set."""

_SORTED: Final = orjson.OPT_SORT_KEYS
_RANK: Final = {"f": 0, "k": 1, "v": 2, "i": 3}


class MissingKey(ValueError):
    """An element of a keyed list lacks a key that has no default."""


def field(name: str) -> str:
    return "f:" + name


def of_item(item: Any, kind: ListType) -> str:
    """The element of a list's item: its keys, or the item itself in a set. Raises MissingKey."""
    if not kind.keys:
        return "v:" + orjson.dumps(item, option=_SORTED).decode()
    if not isinstance(item, dict):
        raise MissingKey("associative list with keys may not have non-map elements")
    defaults = dict(kind.defaults)
    found = {}
    for name in kind.keys:
        value = item.get(name)
        if value is None:
            if name not in defaults:
                raise MissingKey(
                    f"associative list with keys has an element that omits key field {go_quote(name)} "
                    "(and doesn't have default value)"
                )
            value = defaults[name]
        found[name] = value
    return "k:" + orjson.dumps(found, option=_SORTED).decode()


def canonical(element: str) -> str | None:
    """The one spelling of an element; None when it is none. Raises ValueError for one that can't be read."""
    kind, colon, rest = element.partition(":")
    if not colon or kind not in _RANK:
        return None
    if kind == "f":
        return element
    value = orjson.loads(rest)
    wrong = (kind == "k" and not isinstance(value, dict)) or (
        kind == "i" and (isinstance(value, bool) or not isinstance(value, int))
    )
    if wrong:
        raise ValueError(f"not a path element: {element}")
    return f"{kind}:{orjson.dumps(value, option=_SORTED).decode()}"


def order(element: str) -> tuple[int, str]:
    """Sorts the elements of one node as upstream prints them: itself, fields, keys, values, indices."""
    return (-1, "") if element == SELF else (_RANK[element[0]], element)


def render(element: str) -> str:
    """As messages show it: `.data`, `[name="x",protocol="TCP"]`, `[="v"]`, `[0]`."""
    kind, rest = element[0], element[2:]
    if kind == "f":
        return "." + rest
    if kind == "i":
        return f"[{rest}]"
    value = orjson.loads(rest)
    if kind == "v":
        return f"[={_scalar(value)}]"
    return "[" + ",".join(f"{name}={_scalar(value[name])}" for name in sorted(value)) + "]"


def _scalar(value: Any) -> str:
    return go_quote(value) if isinstance(value, str) else orjson.dumps(value).decode()
