"""What becomes of `metadata.managedFields` by a write, kept apart from its times.

Who owns what afterwards rests on who did before, on the paths that the write set and removed, and on the
writer: so it is found out once for all writes that are alike in these, and each fills in its times.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from strongroom.machinery import meta
from strongroom.machinery.gvk import Object
from strongroom.machinery.patch.apply import manager, updating
from strongroom.machinery.patch.apply.comparison import Comparison
from strongroom.machinery.patch.apply.manager import Manager, Owned

NOW: Final = -1
_TIME: Final = "time"


class _Part(NamedTuple):
    """An entry, and whose time it has: that of an entry before, or NOW. `before`, `after`: its JSON up to the
    time, and from there on."""

    entry: Object
    source: int
    order: tuple[str, str, str, str]
    before: str
    after: str


class Settled:
    """The entries after a write; `times`: those of the entries before it."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._parts = parts

    def entries(self, times: Sequence[str], now: str) -> list[Object]:
        """As objects, which share their fieldsV1 with those of other writes."""
        return [{**part.entry, _TIME: time} for part, time in self._timed(times, now)]

    def encoded(self, times: Sequence[str], now: str) -> bytes:
        """As JSON."""
        if len(self._parts) == 1:  # as most have it
            _, source, _, before, after = self._parts[0]
            return f"[{before}{now if source == NOW else times[source]}{after}]".encode()
        each = [f"{part.before}{time}{part.after}" for part, time in self._timed(times, now)]
        return f"[{','.join(each)}]".encode()

    def _timed(self, times: Sequence[str], now: str) -> list[tuple[_Part, str]]:
        timed = [(part, now if part.source == NOW else times[part.source]) for part in self._parts]
        timed.sort(key=_order)
        return timed


def _order(timed: tuple[_Part, str]) -> tuple[str, ...]:
    """As `manager.encode` has it."""
    part, time = timed
    operation, *rest = part.order
    return (operation, time, *rest)


def times(entries: Sequence[Any]) -> list[str] | None:
    """The times of entries. None: one has none."""
    found = [entry.get(_TIME) for entry in entries]
    for time in found:
        if time.__class__ is not str or not time:
            return None
    return found


def timeless(entries: Sequence[Object]) -> bytes:
    """All of the entries but their times, to tell alike ones by."""
    return orjson.dumps([{key: item for key, item in entry.items() if key != _TIME} for entry in entries])


def settle(entries: Sequence[Any], difference: Comparison, by: Manager) -> Settled | None:
    """None: the times have a part in it, or the entries are none that could be stored so."""
    try:
        before = manager.decode(entries)
    except ValueError:
        return None
    if len(before) != len(entries):
        return None  # two of one manager
    marked = {
        who: Owned(owned.fields, owned.api_version, str(at)) for at, (who, owned) in enumerate(before.items())
    }
    after = updating.settle(marked, difference, by, str(NOW))
    updaters = sum(who.operation == manager.UPDATE for who in (*after, by))
    if not after or updaters > updating.UPDATERS_MAX:
        return None
    made = manager.encode(after)
    if meta.validate_managed_fields(made, ""):
        return None
    return Settled([_part(entry) for entry in made])


def _part(entry: Object) -> _Part:
    source = int(entry[_TIME])
    entry[_TIME] = ""
    before, after = orjson.dumps(entry).decode().split('"time":""', 1)
    order = (entry["operation"], entry["manager"], entry["apiVersion"], entry.get("subresource", ""))
    return _Part(entry, source, order, before + '"time":"', '"' + after)
