"""The broken rules of an update as often as Kubernetes tells them.

Its generic part checks metadata twice, and most kinds check them once or twice again beside rules of their
own: a message says each problem once, `details.causes` holds them all
(`rest.BeforeUpdate`, and `ValidateUpdate` of each kind's strategy).
"""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any

from strongroom.machinery import meta, names
from strongroom.machinery.validation import FieldError


class Check(Enum):
    """What a kind checks after the generic part."""

    CHANGE = auto()
    """Metadata against what they were."""
    WHOLE = auto()
    """Metadata as those of a new object."""
    OWN = auto()
    """The kind's rules."""


def of(
    new: Mapping[str, Any],
    old: Mapping[str, Any],
    own: Sequence[FieldError],
    order: Sequence[Check],
    *,
    namespaced: bool,
    name_rule: names.NameRule,
    any_finalizer: bool = False,
) -> list[FieldError]:
    """Every cause, in order; `new` and `old` are metadata, `order` is what the kind checks itself."""
    change = meta.validate_change(new, old)
    errors = meta.validate_object_meta(
        new, namespaced=namespaced, name_rule=names.path_segment, any_finalizer=True
    )
    errors += change
    for check in order:
        if check is Check.OWN:
            errors += own
        elif check is Check.WHOLE:
            errors += meta.validate_object_meta(
                new, namespaced=namespaced, name_rule=name_rule, any_finalizer=any_finalizer
            )
        else:
            errors += change
            if not any_finalizer:
                errors += meta.validate_finalizer_domains(new.get("finalizers") or (), "metadata.finalizers")
    return errors
