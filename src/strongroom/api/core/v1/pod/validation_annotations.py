"""The rules of annotations that mean something on a Pod (`ValidatePodSpecificAnnotations`)."""

import re
from collections.abc import Mapping
from typing import Final

from strongroom.machinery import integers, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

MIRROR: Final = "kubernetes.io/config.mirror"
"""Of a Pod that a node runs by itself, of which the API only shows a copy."""
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
_PATH: Final = "metadata.annotations"
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")


def validate(annotations: Mapping[str, str], spec: Object, path: str = _PATH) -> list[FieldError]:
    errors: list[FieldError] = []
    if MIRROR in annotations and not spec.get("nodeName"):
        text = "must set spec.nodeName if mirror pod annotation is set"
        errors.append(validation.invalid_value(f"{path}[{MIRROR}]", annotations[MIRROR], text))
    cost = annotations.get(DELETION_COST)
    if cost is not None and not (
        _INTEGER.fullmatch(cost) and integers.parse(cost, -(2**31), 2**31 - 1) is not None
    ):
        text = "must be a 32bit integer"
        errors.append(validation.invalid_value(f"{path}[{DELETION_COST}]", cost, text))
    return errors


def validate_update(new: Mapping[str, str], old: Mapping[str, str]) -> list[FieldError]:
    """Whose copy a Pod is does not change."""
    if new.get(MIRROR) == old.get(MIRROR):
        return []
    path = f"{_PATH}[{MIRROR}]"
    if MIRROR in old:
        return [validation.forbidden(path, "may not remove or update mirror pod annotation")]
    return [validation.forbidden(path, "may not add mirror pod annotation")]
