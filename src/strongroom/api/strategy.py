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

from strongroom.machinery import names, selectors, status, validation
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.update_causes import Check
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


NAME = Column(
    "Name",
    format="name",
    description="Name must be unique within a namespace. Is required when creating resources.",
)
AGE = Column("Age", description="Time since the object was created.")

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


def keep(new: Object, old: Object, field: str) -> None:
    """Gives `new` the top-level field as `old` has it, or has it not."""
    if field in old:
        new[field] = old[field]
    else:
        new.pop(field, None)


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
    any_finalizer: ClassVar[bool] = False
    """A finalizer without a domain need not be one of Kubernetes' own."""
    creates_on_update: ClassVar[bool] = False
    """PUT of an object that is not there creates it."""
    unconditional_update: ClassVar[bool] = True
    """PUT may leave out the resourceVersion, and then overwrites whatever is there."""
    view_of: ClassVar[Resource | None] = None
    """Another resource, whose stored objects this one shows in a version of its own."""
    deprecation: ClassVar[str] = ""
    """A `Warning` that goes with every answer about the kind."""
    update_checks: ClassVar[tuple[Check, ...]] = (Check.CHANGE, Check.OWN)
    """What an update has the kind check, in order: how often an error's `details.causes` hold the same."""
    status_checks: ClassVar[tuple[Check, ...]] = (Check.CHANGE, Check.OWN)
    """The same of `/status`."""
    orphans_dependents: ClassVar[bool] = False
    """DELETE without a word on them leaves dependents alone, with a warning."""
    returns_deleted: ClassVar[bool] = False
    """DELETE answers the object instead of a Status."""
    field_labels: ClassVar[tuple[str, ...]] = ("metadata.name", "metadata.namespace")
    """The fields that a field selector may name."""
    own_field_label_error: ClassVar[bool] = False
    """An unknown field answers `field label not supported: x` instead of the general text."""
    field_label_aliases: ClassVar[Mapping[str, str]] = {}
    """Old names of fields in field selectors."""
    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("Created At", type="date"))

    def convert(self, obj: Object) -> None:
        """Changes `obj` as every decode of the kind does (Secret: stringData into data).

        Raises StatusError 400 when it can't be decoded, with the text of behaviour.md 2.3."""

    def default(self, obj: Object) -> None:
        """Fills in defaults, in place."""

    def prepare_for_create(self, obj: Object) -> Sequence[str] | None:
        """Clears what a creator may not set, in place. metadata (with its name) is the registry's.

        May give texts for `Warning` headers, which go with whatever the answer is."""
        if self.has_status:
            obj.pop("status", None)
        return None

    def prepare_for_update(self, new: Object, old: Object) -> None:
        """Restores in `new` what this path may not change."""
        if self.has_status:
            keep(new, old, "status")

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        """Turns `new` into `old` with the status, and the metadata, of `new`."""
        for field in {*new, *old} - {"kind", "apiVersion", "metadata", "status"}:
            keep(new, old, field)

    def is_new_generation(self, new: Object, old: Object) -> bool:
        """Whether an update of a kind that `has_generation` changes what is wanted."""
        return any(new.get(key) != old.get(key) for key in (*new, *old) if key not in ("metadata", "status"))

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

    def field_selector(self, text: str) -> selectors.FieldSelector:
        """The parsed `fieldSelector` parameter, aliases resolved.

        Raises StatusError 400 when it can't be read or names a field that isn't selectable."""
        try:
            selector = selectors.parse_fields(text)
        except selectors.SelectorError as error:
            raise status.bad_request(str(error)) from None
        if all(term.field in self.field_labels for term in selector.terms):
            return selector
        return selectors.FieldSelector(
            tuple(
                selectors.FieldTerm(self._field_label(term.field), term.value, term.equal)
                for term in selector.terms
            )
        )

    def _field_label(self, name: str) -> str:
        name = self.field_label_aliases.get(name, name)
        if name in self.field_labels:
            return name
        if self.own_field_label_error:
            raise status.bad_request(f"field label not supported: {name}")
        raise status.bad_request(
            f"{validation.go_quote(name)} is not a known field selector: only "
            '"metadata.name", "metadata.namespace"'
        )

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
