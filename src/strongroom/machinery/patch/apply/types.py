"""What apply must know of a kind's fields; `api/apply_schema.py` answers it from the definitions.

The words are those of "Merge strategy" in Kubernetes' page on server-side apply (`x-kubernetes-list-type`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

STRING = "string"
NUMERIC = "numeric"
BOOLEAN = "boolean"
UNTYPED = "untyped"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value that is owned as one. `kind`: STRING, NUMERIC, BOOLEAN, or UNTYPED for any JSON."""

    kind: str = UNTYPED


@dataclass(frozen=True, slots=True)
class Items:
    """A list whose elements are told apart by nothing."""

    element: "Type"


@dataclass(frozen=True, slots=True)
class Atomic:
    """A list or map that is owned as one; `inner` says what may be in it."""

    inner: "Items | MapType | Struct"


@dataclass(frozen=True, slots=True)
class ListType:
    """A list whose elements have owners. `keys`: the fields that tell elements apart, () in a set of scalars.

    `defaults`: the values of keys that an element may leave out."""

    element: "Type"
    keys: tuple[str, ...] = ()
    defaults: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class MapType:
    """A map from any string, whose entries have owners."""

    element: "Type"


class Struct(Protocol):
    """An object with fields of its own."""

    @property
    def fields(self) -> "Mapping[str, Type]":
        """By name."""
        ...

    @property
    def always(self) -> Mapping[str, Any]:
        """Fields that are there even if a document does not say so, and what they then hold."""
        ...


Type = Scalar | Atomic | ListType | MapType | Struct
