"""What a kind must implement: its rules, pure functions over decoded objects.

All methods get plain dicts (JSON as decoded) that they may change where the docstring says so, and do no I/O.
The registry calls them in this order:

create   convert, default, prepare_for_create, (admission), validate, warnings
update   convert, default, prepare_for_update, (admission), validate_update, warnings
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from strongroom.machinery import names
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.validation import FieldError


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a `Table`. `priority` 1 shows with `-o wide` only."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Subresource:
    """A subresource as discovery lists it. `kind`, `group`, `version` are those of its body."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""


ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Strategy:
    """The behaviour that is common to all kinds; a kind overrides what differs."""

    resource: ClassVar[Resource]
    singular: ClassVar[str]
    short_names: ClassVar[tuple[str, ...]] = ()
    categories: ClassVar[tuple[str, ...]] = ()
    verbs: ClassVar[tuple[str, ...]] = ALL_VERBS
    subresources: ClassVar[tuple[Subresource, ...]] = ()
    has_generation: ClassVar[bool] = False
    """`metadata.generation` starts at 1 and is bumped when anything outside metadata and status changes."""
    has_status: ClassVar[bool] = False
    """`status` is reset on create and kept on update through the main resource; written by `/status` only."""
    returns_deleted: ClassVar[bool] = False
    """DELETE answers the object instead of a Status."""
    field_labels: ClassVar[tuple[str, ...]] = ("metadata.name", "metadata.namespace")
    """The fields that a field selector may name."""
    own_field_label_error: ClassVar[bool] = False
    """An unknown field answers `field label not supported: x` instead of the general text."""
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Name", format="name"),
        Column("Created At", type="date"),
    )

    def convert(self, obj: Object) -> None:
        """Changes `obj` as every decode of the kind does (Secret: stringData into data).

        Raises StatusError 400 when it can't be decoded, with the text of behaviour.md 2.3."""

    def default(self, obj: Object) -> None:
        """Fills in defaults, in place."""

    def prepare_for_create(self, obj: Object) -> None:
        """Clears what a creator may not set, in place. metadata is the registry's."""

    def prepare_for_update(self, new: Object, old: Object) -> None:
        """Restores in `new` what this path may not change."""

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        """Turns `new` into `old` with the status, and the metadata, of `new`."""

    def validate(self, obj: Object) -> list[FieldError]:
        """All broken rules of a new object, without those of ObjectMeta (the registry checks them).

        The shape (types of fields) has been checked against the schema already."""
        return []

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """All broken rules of an update, without those of ObjectMeta."""
        return self.validate(new)

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        return []

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        """Messages of the rules that `name` breaks; the default is a DNS-1123 subdomain."""
        return names.dns1123_subdomain(name, prefix=prefix)

    def warnings(self, obj: Object, old: Object | None) -> Sequence[str]:
        """Texts for `Warning` headers."""
        return ()

    def grace_period(self, obj: Object, asked: int | None) -> int | None:
        """Seconds of graceful deletion; None: the kind is deleted at once (unless finalizers remain)."""
        return None

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """Value of every label in `field_labels`."""
        metadata = obj["metadata"]
        return {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}

    def row(self, obj: Object, now: datetime) -> list[Any]:
        """Cells of the kind's Table row, one per column."""
        metadata = obj["metadata"]
        return [metadata["name"], metadata.get("creationTimestamp")]

    def row_conditions(self, obj: Object) -> list[dict[str, str]]:
        """`conditions` of the Table row (Pods that ended)."""
        return []
