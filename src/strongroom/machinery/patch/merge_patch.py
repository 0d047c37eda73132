"""JSON merge patch (RFC 7386)."""

from typing import Any

from strongroom.machinery.gvk import Object
from strongroom.machinery.patch import errors


def apply(original: Object, patch: Any) -> Object:
    """A new object; parts that the patch does not touch are shared with `original`, nothing is changed.

    Raises StatusError 400 when `patch` is no JSON object."""
    if patch is None:
        raise errors.malformed("Invalid JSON Patch")
    if not isinstance(patch, dict):
        raise errors.wrong_document(patch, "map[string]interface {}")
    try:
        return _merge(original, patch)
    except RecursionError:
        raise errors.malformed("exceeded max depth") from None


def _merge(original: Object, patch: Object) -> Object:
    merged = dict(original)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            current = merged.get(key)
            merged[key] = _merge(current if isinstance(current, dict) else {}, value)
        else:
            merged[key] = value
    return merged
