"""SecretDelivery: which version of each Secret the containers of a Pod hold. Kubernetes has no such kind.

One for each Pod that is given Secrets, under the Pod's name, owned by it, so that it goes with it; its node
writes it. A version is the Secret's resourceVersion: it says which content, and nothing of the content.
"""

from datetime import datetime
from typing import Any, Final

from strongroom.api import resources
from strongroom.api.core.v1.pod.secret_uses import ENV, SUB_PATH, VOLUME
from strongroom.api.strategy import AGE, NAME, Column, Strategy
from strongroom.machinery import duration, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

WAYS: Final = (ENV, SUB_PATH, VOLUME)
MAX_DELIVERIES: Final = 10_000
MAX_MESSAGE: Final = 1024
MAX_DIGITS: Final = 20
"""Of a version: what 64 bits take. Python reads no number of any length."""


class SecretDeliveryStrategy(Strategy):
    """`/apis/delivery.strongroom.dev/v1/…/secretdeliveries`."""

    resource = resources.SECRET_DELIVERIES
    singular = "secretdelivery"
    creates_on_update = True
    columns = (
        NAME,
        Column("Node", description="The node that runs the Pod."),
        Column("Secrets", description="The Secrets that the Pod's containers hold, with their versions."),
        AGE,
    )

    def default(self, obj: Object) -> None:
        obj["deliveries"] = obj.get("deliveries") or []

    def validate(self, obj: Object) -> list[FieldError]:
        deliveries = obj["deliveries"]
        if len(deliveries) > MAX_DELIVERIES:
            return [validation.too_many("deliveries", len(deliveries), MAX_DELIVERIES)]
        errors: list[FieldError] = []
        seen: set[tuple[str, ...]] = set()
        for index, delivery in enumerate(deliveries):
            path = f"deliveries[{index}]"
            errors += _delivery(delivery, path)
            key = key_of(delivery)
            if key in seen:
                errors.append(validation.duplicate(path, "/".join(key)))
            seen.add(key)
        return errors

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata = obj["metadata"]
        age = duration.age(metadata.get("creationTimestamp"), now)
        return [metadata["name"], obj.get("nodeName", ""), _shown(obj), age]


def key_of(delivery: Object) -> tuple[str, str, str, str]:
    """What tells one delivery of a Pod from another: Secret, container, way, volume."""
    secret, container, way, volume = (
        str(delivery.get(field) or "") for field in ("secret", "container", "way", "volume")
    )
    return secret, container, way, volume


def _delivery(delivery: Object, path: str) -> list[FieldError]:
    errors = [
        validation.required(f"{path}.{field}")
        for field in ("secret", "container", "way")
        if not delivery.get(field)
    ]
    way, version = delivery.get("way"), delivery.get("resourceVersion") or "0"
    if way and way not in WAYS:
        errors.append(validation.not_supported(f"{path}.way", way, WAYS))
    if not (version.isascii() and version.isdigit() and len(version) <= MAX_DIGITS):
        errors.append(validation.invalid_value(f"{path}.resourceVersion", version, "must be a number"))
    if len(str(delivery.get("message") or "").encode()) > MAX_MESSAGE:
        errors.append(validation.too_long(f"{path}.message", MAX_MESSAGE))
    return errors


def _shown(obj: Object) -> str:
    """`db@41,tls@17`: each Secret with the oldest version that a container holds."""
    oldest: dict[str, int] = {}
    for delivery in obj.get("deliveries") or ():
        version = int(delivery.get("resourceVersion") or 0)
        name = delivery.get("secret", "")
        oldest[name] = min(version, oldest.get(name, version))
    return ",".join(f"{name}@{version or '<none>'}" for name, version in sorted(oldest.items())) or "<none>"
