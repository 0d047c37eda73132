"""Tolerations in an annotation, from before there was a field (`ValidateTolerationsInPodAnnotations`).

Nothing acts on them any more; they are checked all the same. They are decoded as Go's internal type: the
names of its fields, in whatever case.
"""

from collections.abc import Mapping
from typing import Any, Final

from strongroom.api.core.v1.pod import validation_scheduling
from strongroom.machinery import validation
from strongroom.machinery.codec import json, structs
from strongroom.machinery.codec.errors import DecodeError
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

KEY: Final = "scheduler.alpha.kubernetes.io/tolerations"
_FIELDS: Final = {
    "key": ("Key", "string"),
    "operator": ("Operator", "core.TolerationOperator"),
    "value": ("Value", "string"),
    "effect": ("Effect", "core.TaintEffect"),
    "tolerationseconds": ("TolerationSeconds", "int64"),
}
_NAMES: Final = {"tolerationseconds": "tolerationSeconds"}


def validate(annotations: Mapping[str, str], path: str) -> list[FieldError]:
    """`path`: of the annotations."""
    text = annotations.get(KEY)
    if not text:
        return []
    try:
        tolerations = _decode(text)
    except DecodeError as error:
        return [validation.invalid_value(path, KEY, str(error))]
    return validation_scheduling.validate_tolerations(tolerations, f"{path}.{KEY}")


def _decode(text: str) -> list[Object]:
    listed = json.decode(text.encode("utf-8", "replace"))
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise _mismatch(listed, "value", "[]core.Toleration")
    return [_toleration(each) for each in listed]


def _toleration(given: Any) -> Object:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _mismatch(given, "value", "core.Toleration")
    found: Object = {}
    for key, value in given.items():
        name = key.lower()
        if name not in _FIELDS or value is None:
            continue
        field, go = _FIELDS[name]
        wanted = int if go == "int64" else str
        if value.__class__ is not wanted:
            raise _mismatch(value, f"struct field Toleration.{field}", go)
        found[_NAMES.get(name, name)] = value
    return found


def _mismatch(value: Any, where: str, go: str) -> DecodeError:
    return DecodeError(f"json: cannot unmarshal {structs.json_type(value)} into Go {where} of type {go}")
