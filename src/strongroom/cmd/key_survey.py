"""What every stored value is encrypted with, counted: of an engine at work, superseded values too."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from strongroom.encryption import inspection
from strongroom.encryption.transformer import Transformer, TransformError
from strongroom.store import errors
from strongroom.store.engine import DurableEngine

NAMED: Final = 20
"""Keys that a report names; it counts the rest."""

TRIES: Final = 5
"""Attempts at reading all of a history that others compact meanwhile."""


@dataclass(slots=True)
class Values:
    """Of stored values, superseded ones included."""

    rows: int = 0
    """Revisions of all kinds that were read."""
    values: int = 0
    """Those of kinds that are encrypted."""
    keys: Counter[str] = field(default_factory=Counter)
    """Values by key, as `inspection.key_of` tells it."""
    stale: Counter[str] = field(default_factory=Counter)
    """Those that the provider and key that write now have not written, by key."""
    unreadable: int = 0
    named: list[str] = field(default_factory=list)
    """Keys of the first values that did not open."""

    def add(self, key: str, value: bytes, transformer: Transformer, *, opened: bool) -> None:
        """Count a value of a kind that is encrypted. `opened`: find out whether it opens, and is stale."""
        self.values += 1
        self.keys[inspection.key_of(value)] += 1
        if not opened:
            return
        try:
            if transformer.from_storage(value, key.encode()).stale:
                self.stale[inspection.key_of(value)] += 1
        except TransformError:
            self.unreadable += 1
            if len(self.named) < NAMED:
                self.named.append(key)


async def survey(
    engine: DurableEngine,
    transformers: Mapping[str, Transformer],
    *,
    opened: bool,
    report: Callable[[int], None] = lambda _: None,
) -> Values:
    """All that is stored under the prefixes of `transformers`. `report` is told values read.

    Raises StoreError."""
    for attempt in range(1, TRIES + 1):
        found = Values()
        try:
            for prefix, transformer in transformers.items():
                async for page in engine.stored(prefix):
                    for kv in page:
                        found.rows += 1
                        found.add(kv.key, kv.value, transformer, opened=opened)
                    report(found.rows)
            break
        except errors.Compacted:
            if attempt == TRIES:
                raise
    return found
