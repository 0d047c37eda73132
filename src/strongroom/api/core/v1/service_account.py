"""ServiceAccount: who a Pod is to the API, and which Secrets go with that."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.strategy import AGE, NAME, Strategy, Subresource
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check

ENFORCE_MOUNTABLE_SECRETS = "kubernetes.io/enforce-mountable-secrets"
TOKEN = Subresource("token", "TokenRequest", ("create",), group="authentication.k8s.io", version="v1")
_DEPRECATED = (
    f"metadata.annotations[{ENFORCE_MOUNTABLE_SECRETS}]: deprecated in v1.32+; prefer separate namespaces to "
    "isolate access to mounted secrets"
)


class ServiceAccountStrategy(Strategy):
    """`/api/v1/…/serviceaccounts`."""

    resource = resources.SERVICE_ACCOUNTS
    update_checks = (Check.CHANGE, Check.WHOLE, Check.OWN)
    singular = "serviceaccount"
    short_names = ("sa",)
    subresources = (TOKEN,)
    returns_deleted = True
    columns = (NAME, AGE)

    def convert(self, obj: Object) -> None:
        """Drops empty fields and puts the rest into Kubernetes' order."""
        for field in ("secrets", "imagePullSecrets", "automountServiceAccountToken"):
            value = obj.pop(field, None)
            if value or value is False:
                obj[field] = value

    def prepare_for_create(self, obj: Object) -> None:
        _clean_secrets(obj)

    def prepare_for_update(self, new: Object, old: Object) -> None:
        _clean_secrets(new)

    def warnings(self, obj: Object, old: Object | None) -> Sequence[str]:
        annotations = obj["metadata"].get("annotations") or {}
        before = ((old or {}).get("metadata", {}).get("annotations") or {}).get(ENFORCE_MOUNTABLE_SECRETS)
        current = annotations.get(ENFORCE_MOUNTABLE_SECRETS)
        return () if current is None or (old is not None and current == before) else (_DEPRECATED,)

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata = obj["metadata"]
        return [metadata["name"], duration.age(metadata.get("creationTimestamp"), now)]


def _clean_secrets(obj: Object) -> None:
    # Only the name of a reference counts; the rest would lie.
    if secrets := obj.get("secrets"):
        obj["secrets"] = [{"name": reference.get("name", "")} for reference in secrets]
