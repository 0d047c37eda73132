"""What strategic merge must know of a kind's fields; `api/schema.py` answers it from the definitions."""

from dataclasses import dataclass
from typing import Protocol

MERGE = "merge"
REPLACE = "replace"
RETAIN_KEYS = "retainKeys"


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field.

    `strategy`: as `x-kubernetes-patch-strategy` has it; `merge_key`: `x-kubernetes-patch-merge-key`, "" for
    lists of primitives; `child`: the fields of its value, of its elements, or of its map's values."""

    strategy: frozenset[str] = frozenset()
    merge_key: str = ""
    child: "Schema | None" = None


class Schema(Protocol):
    """The fields of an object."""

    def field(self, name: str) -> FieldSchema | None:
        """None when the schema knows no field of that name."""
        ...
