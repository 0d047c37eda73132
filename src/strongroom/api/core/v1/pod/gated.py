"""Where a Pod that waits at its scheduling gates may go (KEP-3838): updates leave it less choice."""

from collections.abc import Sequence
from typing import Any

from strongroom.machinery import validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def validate_update(spec: Object, before: Object) -> list[FieldError]:
    """`nodeSelector` and the node affinity that is required: requirements may be added."""
    errors: list[FieldError] = []
    selector, known = (each.get("nodeSelector") or {} for each in (spec, before))
    for key, value in known.items():
        if selector.get(key) != value:
            text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            errors.append(validation.invalid_value("spec.nodeSelector", selector or None, text))
            break
    terms, old_terms = (_terms(each) for each in (spec, before))
    path = f"spec.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms"
    if old_terms and len(terms) != len(old_terms):
        text = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        return [*errors, validation.invalid_value(path, terms, text)]
    text = "only additions are allowed (no mutations or deletions)"
    return errors + [
        validation.invalid_value(f"{path}[{index}]", terms[index], text)
        for index, was in enumerate(old_terms)
        if not _only_adds(terms[index], was)
    ]


def _terms(spec: Object) -> list[Any]:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms: list[Any] = (affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or []
    return terms


def _only_adds(term: Object, was: Object) -> bool:
    if not any(was.values()) and term != was:
        return False
    return all(
        _begins(term.get(field) or [], was.get(field) or []) for field in ("matchExpressions", "matchFields")
    )


def _begins(new: Sequence[Any], old: Sequence[Any]) -> bool:
    return list(new[: len(old)]) == list(old)
