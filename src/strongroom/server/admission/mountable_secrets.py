"""Secrets that Pods of a ServiceAccount may use, where its annotation wants them listed.

Deprecated upstream in favour of namespaces, and still enforced: the plugin `serviceaccount`.
"""

from collections.abc import Iterator
from typing import Final

from strongroom.api.core.v1.service_account import ENFORCE_MOUNTABLE_SECRETS
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import go_quote

_TRUE: Final = ("1", "t", "T", "TRUE", "true", "True")
_CONTAINERS: Final = (
    ("initContainers", "init container"),
    ("containers", "container"),
    ("ephemeralContainers", "ephemeral container"),
)


def enforced(account: Object) -> bool:
    """Whether the account's Pods are limited to the Secrets that it lists."""
    annotations = account["metadata"].get("annotations") or {}
    return annotations.get(ENFORCE_MOUNTABLE_SECRETS) in _TRUE


def problem(spec: Object, account: Object, *, ephemeral_only: bool = False) -> str:
    """The first reference of a Pod that its account does not list, in words; "" if there is none."""
    return next(_problems(spec, account, ephemeral_only=ephemeral_only), "")


def _problems(spec: Object, account: Object, *, ephemeral_only: bool) -> Iterator[str]:
    listed = {each.get("name") for each in account.get("secrets") or ()}
    tail = f"is not allowed because service account {account['metadata']['name']} does not reference that"
    if not ephemeral_only:
        for volume in spec.get("volumes") or ():
            name = (volume.get("secret") or {}).get("secretName")
            if name and name not in listed:
                yield f"volume with secret.secretName={go_quote(name)} {tail} secret"
    for field, kind in _CONTAINERS:
        if ephemeral_only and field != "ephemeralContainers":
            continue
        for container in spec.get(field) or ():
            for where, name in _environment(container):
                if name not in listed:
                    shown = f"{kind} {container.get('name', '')} with {where}"
                    yield f"{shown} referencing secret.secretName={go_quote(name)} {tail} secret"
    if ephemeral_only:
        return
    pulls = {each.get("name") for each in account.get("imagePullSecrets") or ()}
    for index, reference in enumerate(spec.get("imagePullSecrets") or ()):
        if reference.get("name") not in pulls:
            name = go_quote(reference.get("name", ""))
            yield f"imagePullSecrets[{index}].name={name} {tail} imagePullSecret"


def _environment(container: Object) -> Iterator[tuple[str, str]]:
    for variable in container.get("env") or ():
        if name := ((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name"):
            yield f"envVar {variable.get('name', '')}", name
    for source in container.get("envFrom") or ():
        if name := (source.get("secretRef") or {}).get("name"):
            yield "envFrom", name
