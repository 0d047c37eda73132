"""ConfigMap: configuration that is not confidential, at most 1 MiB of it."""

from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.core.v1 import base64_data
from strongroom.api.strategy import AGE, NAME, Column, Strategy
from strongroom.machinery import duration, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError

SIZE_MAX = 1024 * 1024
IMMUTABLE = "field is immutable when `immutable` is set"


class ConfigMapStrategy(Strategy):
    """`/api/v1/…/configmaps`."""

    resource = resources.CONFIG_MAPS
    update_checks = (Check.CHANGE, Check.WHOLE, Check.OWN)
    singular = "configmap"
    short_names = ("cm",)
    columns = (NAME, Column("Data", description="The number of keys in data and binaryData."), AGE)

    def convert(self, obj: Object) -> None:
        """Drops empty fields and puts the rest into Kubernetes' order."""
        immutable = obj.pop("immutable", None)
        data = obj.pop("data", None)
        binary = obj.pop("binaryData", None)
        if immutable is not None:
            obj["immutable"] = immutable
        if data:
            obj["data"] = {key: value or "" for key, value in sorted(data.items())}
        if binary:
            base64_data.normalize(binary, self.resource)
            obj["binaryData"] = dict(sorted(binary.items()))

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        total = 0
        for key, value in data.items():
            for message in names.config_map_key(key):
                errors.append(validation.invalid_value(f"data[{key}]", key, message))
            if key in binary:
                errors.append(
                    validation.invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData")
                )
            total += names.size(value)
        for key, value in binary.items():
            for message in names.config_map_key(key):
                errors.append(validation.invalid_value(f"binaryData[{key}]", key, message))
            total += base64_data.size(value)
        if total > SIZE_MAX:
            # Upstream reports it for the object as a whole: this is what an empty path looks like.
            errors.append(validation.too_long("[]", SIZE_MAX))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        if old.get("immutable"):
            if not new.get("immutable"):
                errors.append(validation.forbidden("immutable", IMMUTABLE))
            for field in ("data", "binaryData"):
                if (new.get(field) or {}) != (old.get(field) or {}):
                    errors.append(validation.forbidden(field, IMMUTABLE))
        return errors + self.validate(new)

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata = obj["metadata"]
        return [
            metadata["name"],
            len(obj.get("data") or ()) + len(obj.get("binaryData") or ()),
            duration.age(metadata.get("creationTimestamp"), now),
        ]
