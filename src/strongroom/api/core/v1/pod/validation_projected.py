"""The rules of a projected volume: several sources, none at the path of another."""

from collections.abc import Mapping
from typing import Any

from strongroom.api.core.v1.pod import validation_files
from strongroom.machinery import validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

TOKEN_SECONDS_MIN, TOKEN_SECONDS_MAX = 600, 2**32


def validate(source: Object, path: str) -> list[FieldError]:
    errors = validation_files.mode(source, f"{path}.defaultMode", "defaultMode")
    taken: set[str] = set()
    for index, item in enumerate(source.get("sources") or ()):
        at = f"{path}.sources[{index}]"
        kinds = [kind for kind, value in item.items() if value is not None]
        for kind in ("secret", "configMap"):
            if kind in kinds:
                errors += _names(item[kind], f"{at}.{kind}", path, taken)
        if "downwardAPI" in kinds:
            for file in item["downwardAPI"].get("items") or ():
                errors += validation_files.downward(file, f"{at}.downwardAPI")
                errors += _claim(file.get("path", ""), file.get("path", ""), path, taken)
        if "serviceAccountToken" in kinds:
            errors += _token(item["serviceAccountToken"], f"{at}.serviceAccountToken", path)
        if len(kinds) > 1:
            errors.append(validation.forbidden(at, "may not specify more than 1 volume type per source"))
    return errors


def _claim(file: str, shown: str, path: str, taken: set[str]) -> list[FieldError]:
    if not file:
        return []
    if file in taken:
        return [validation.invalid_value(path, shown, "conflicting duplicate paths")]
    taken.add(file)
    return []


def _names(source: Object, path: str, whole: str, taken: set[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    name = source.get("name", "")
    if not name:
        errors.append(validation.required(f"{path}.name"))
    for index, item in enumerate(source.get("items") or ()):
        errors += validation_files.key_to_path(item, f"{path}.items[{index}]")
        errors += _claim(item.get("path", ""), name, whole, taken)
    return errors


def _token(source: Mapping[str, Any], path: str, whole: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seconds = source.get("expirationSeconds", 0)
    if seconds < TOKEN_SECONDS_MIN:
        detail = "may not specify a duration less than 10 minutes"
        errors.append(validation.invalid_value(f"{path}.expirationSeconds", seconds, detail))
    if seconds > TOKEN_SECONDS_MAX:
        detail = "may not specify a duration larger than 2^32 seconds"
        errors.append(validation.invalid_value(f"{path}.expirationSeconds", seconds, detail))
    if not source.get("path"):
        errors.append(validation.required(f"{whole}.path"))
    return errors + validation_files.local_path(source.get("path", ""), f"{whole}.path")
