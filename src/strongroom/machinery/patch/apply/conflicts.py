"""Conflicts of an apply, and their texts (`apimachinery/pkg/util/managedfields/internal/conflict.go`)."""

from collections.abc import Mapping

from strongroom.machinery import status
from strongroom.machinery.patch.apply import field_set
from strongroom.machinery.patch.apply.field_set import FieldSet
from strongroom.machinery.patch.apply.manager import APPLY, Manager
from strongroom.machinery.validation import go_quote

CAUSE = "FieldManagerConflict"


class Conflicts(Exception):
    """Fields that the apply would change and others own; `sets` by their managers."""

    def __init__(self, sets: Mapping[Manager, FieldSet]) -> None:
        super().__init__("conflicts")
        self.sets = sets

    def without(self, allowed: FieldSet) -> "Conflicts | None":
        """Those outside `allowed`; None when all are inside."""
        left = {manager: field_set.difference(owned, allowed) for manager, owned in self.sets.items()}
        left = {manager: owned for manager, owned in left.items() if owned}
        return Conflicts(left) if left else None

    def to_status(self) -> status.StatusError:
        """409 with a cause for each field."""
        found = [
            (_shown(manager), list(field_set.paths(self.sets[manager])))
            for manager in sorted(self.sets, key=Manager.identifier)
        ]
        causes = [
            {"reason": CAUSE, "message": f"conflict with {shown}", "field": path}
            for shown, paths in found
            for path in paths
        ]
        if len(causes) == 1:
            (cause,) = causes
            text = f"Apply failed with 1 conflict: {cause['message']}: {cause['field']}"
        else:
            lines = [line for shown, paths in found for line in (f"conflicts with {shown}:", *_listed(paths))]
            text = f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)
        return status.StatusError(409, "Conflict", text, {"causes": causes})


def _listed(paths: list[str]) -> list[str]:
    return [f"- {path}" for path in paths]


def _shown(manager: Manager) -> str:
    text = go_quote(manager.name)
    if manager.subresource:
        text += f" with subresource {go_quote(manager.subresource)}"
    return text if manager.operation == APPLY else f"{text} using {manager.api_version}"
