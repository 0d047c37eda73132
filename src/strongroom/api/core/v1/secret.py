"""Secret: confidential data, at most 1 MiB of it.

Rules: Kubernetes' "Secrets" page ("Types of Secret", "Immutable Secrets") and `ValidateSecret`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.core.v1 import base64_data, tls_pair
from strongroom.api.strategy import AGE, NAME, Column, Strategy
from strongroom.machinery import duration, go_json, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError

SIZE_MAX = 1024 * 1024
OPAQUE = "Opaque"
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105
DOCKERCFG = "kubernetes.io/dockercfg"
DOCKERCONFIGJSON = "kubernetes.io/dockerconfigjson"
BASIC_AUTH = "kubernetes.io/basic-auth"
SSH_AUTH = "kubernetes.io/ssh-auth"
TLS = "kubernetes.io/tls"
BOOTSTRAP_TOKEN = "bootstrap.kubernetes.io/token"  # noqa: S105
SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
SERVICE_ACCOUNT_UID = "kubernetes.io/service-account.uid"
TLS_CERT, TLS_KEY = "tls.crt", "tls.key"
IMMUTABLE = "field is immutable when `immutable` is set"


class SecretStrategy(Strategy):
    """`/api/v1/…/secrets`."""

    resource = resources.SECRETS
    update_checks = (Check.CHANGE, Check.WHOLE, Check.OWN)
    singular = "secret"
    field_labels = ("metadata.name", "metadata.namespace", "type")
    own_field_label_error = True
    columns = (
        NAME,
        Column("Type", description="Used to facilitate programmatic handling of secret data."),
        Column("Data", description="The number of keys in the data."),
        AGE,
    )

    def convert(self, obj: Object) -> None:
        """Merges stringData into data, drops empty fields and puts the rest into Kubernetes' order."""
        data = obj.pop("data", None) or {}
        if data:
            base64_data.normalize(data, self.resource)
        if string_data := obj.pop("stringData", None):
            data = dict(data)
            for key, value in string_data.items():
                data[key] = base64_data.encode((value or "").encode("utf-8", "replace"))
        immutable = obj.pop("immutable", None)
        kind = obj.pop("type", None)
        if immutable is not None:
            obj["immutable"] = immutable
        if data:
            obj["data"] = dict(sorted(data.items())) if len(data) > 1 else data
        if kind:
            obj["type"] = kind

    def default(self, obj: Object) -> None:
        if not obj.get("type"):
            obj["type"] = OPAQUE

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        data = obj.get("data") or {}
        total = 0
        for key, value in data.items():
            for message in names.config_map_key(key):
                errors.append(validation.invalid_value(f"data[{key}]", key, message))
            total += base64_data.size(value)
        if total > SIZE_MAX:
            errors.append(validation.too_long("data", SIZE_MAX))
        if check := _BY_TYPE.get(obj["type"]):
            errors += check(obj, data)
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        if new["type"] != old["type"]:
            errors.append(validation.invalid_value("type", new["type"], "field is immutable"))
        if old.get("immutable"):
            if not new.get("immutable"):
                errors.append(validation.forbidden("immutable", IMMUTABLE))
            if (new.get("data") or {}) != (old.get("data") or {}):
                errors.append(validation.forbidden("data", IMMUTABLE))
        return errors + self.validate(new)

    def warnings(self, obj: Object, old: Object | None) -> Sequence[str]:
        if obj["type"] != TLS:
            return ()
        data = obj.get("data") or {}
        problem = tls_pair.error(
            base64_data.decode(data.get(TLS_CERT, "")), base64_data.decode(data.get(TLS_KEY, ""))
        )
        return (problem,) if problem else ()

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {**super().selectable_fields(obj), "type": obj.get("type", "")}

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata = obj["metadata"]
        return [
            metadata["name"],
            obj.get("type", ""),
            len(obj.get("data") or ()),
            duration.age(metadata.get("creationTimestamp"), now),
        ]


def _required_key(key: str) -> FieldError:
    return validation.required(f"data[{key}]")


def _service_account_token(obj: Object, data: Mapping[str, str]) -> list[FieldError]:
    if (obj["metadata"].get("annotations") or {}).get(SERVICE_ACCOUNT_NAME):
        return []
    return [validation.required(f"metadata.annotations[{SERVICE_ACCOUNT_NAME}]")]


def _docker_config(key: str) -> Callable[[Object, Mapping[str, str]], list[FieldError]]:
    def check(obj: Object, data: Mapping[str, str]) -> list[FieldError]:
        if key not in data:
            return [_required_key(key)]
        problem = go_json.object_error(base64_data.decode(data[key]))
        return [validation.redacted(f"data[{key}]", problem)] if problem else []

    return check


def _basic_auth(obj: Object, data: Mapping[str, str]) -> list[FieldError]:
    if "username" in data or "password" in data:
        return []
    return [_required_key("username"), _required_key("password")]


def _ssh_auth(obj: Object, data: Mapping[str, str]) -> list[FieldError]:
    return [] if data.get("ssh-privatekey") else [_required_key("ssh-privatekey")]


def _tls(obj: Object, data: Mapping[str, str]) -> list[FieldError]:
    return [_required_key(key) for key in (TLS_CERT, TLS_KEY) if key not in data]


_BY_TYPE: Mapping[str, Callable[[Object, Mapping[str, str]], list[FieldError]]] = {
    SERVICE_ACCOUNT_TOKEN: _service_account_token,
    DOCKERCFG: _docker_config(".dockercfg"),
    DOCKERCONFIGJSON: _docker_config(".dockerconfigjson"),
    BASIC_AUTH: _basic_auth,
    SSH_AUTH: _ssh_auth,
    TLS: _tls,
}

TYPES_WITH_RULES = frozenset(_BY_TYPE)
"""Types whose data must hold something."""
