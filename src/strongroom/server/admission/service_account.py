"""ServiceAccount: a Pod's account exists, lends it its image pull secrets and a way to the API, and may limit
which Secrets it uses. Kubernetes' plugin `serviceaccount`."""

import asyncio
from collections.abc import Awaitable, Callable

from strongroom.api import resources
from strongroom.api.core.v1.pod import references
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.registry.generic import Registry
from strongroom.server.admission import api_access, mountable_secrets
from strongroom.server.admission.durations import ADMIT, Who
from strongroom.server.admission.plugin import CREATE, UPDATE, Attributes

DEFAULT = "default"
MIRROR = "kubernetes.io/config.mirror"
_EPHEMERAL = "ephemeralcontainers"
_RETRIES, _RETRY_SECONDS = 10, 0.1

Sleep = Callable[[float], Awaitable[object]]


class ServiceAccount:
    """The account `default` of a new namespace is waited for a second: a controller is making it."""

    who = Who("ServiceAccount", ADMIT)

    def __init__(self, service_accounts: Registry, sleep: Sleep = asyncio.sleep) -> None:
        self._service_accounts = service_accounts
        self._sleep = sleep

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        if resource != resources.PODS:
            return False
        return (operation, subresource) in ((CREATE, ""), (UPDATE, _EPHEMERAL))

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None, "creations and updates have an object"
        spec = pod["spec"]
        if MIRROR in (pod["metadata"].get("annotations") or {}):
            if text := _of_mirror(pod):
                raise _refused(attributes, text)
            return
        if attributes.subresource:
            entry = self._service_accounts.find(
                attributes.namespace, spec.get("serviceAccountName") or DEFAULT
            )
            if entry is not None:
                _limit(attributes, spec, entry.decode(), ephemeral_only=True)
            return
        name = spec.get("serviceAccountName") or DEFAULT
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = await self._account(attributes, name)
        if not spec.get("imagePullSecrets") and (secrets := account.get("imagePullSecrets")):
            spec["imagePullSecrets"] = secrets
        if api_access.wanted(spec, account):
            api_access.mount(spec)
        _limit(attributes, spec, account)

    async def _account(self, attributes: Attributes, name: str) -> Object:
        tries = _RETRIES if name == DEFAULT else 0
        while (entry := self._service_accounts.find(attributes.namespace, name)) is None:
            if not tries:
                raise _refused(
                    attributes,
                    f"error looking up service account {attributes.namespace}/{name}: "
                    f'serviceaccount "{name}" not found',
                )
            tries -= 1
            await self._sleep(_RETRY_SECONDS)
        return entry.decode()


def _limit(attributes: Attributes, spec: Object, account: Object, *, ephemeral_only: bool = False) -> None:
    """Raises StatusError 403 for a Secret that the account wants listed and does not list."""
    if mountable_secrets.enforced(account):
        text = mountable_secrets.problem(spec, account, ephemeral_only=ephemeral_only)
        if text:
            raise _refused(attributes, text)


def _of_mirror(pod: Object) -> str:
    """What a Pod that a node runs by itself must not use, in words: the API's rights would be the node's."""
    spec = pod["spec"]
    if spec.get("serviceAccountName"):
        return "a mirror pod may not reference service accounts"
    if references.secret_names(pod):
        return "a mirror pod may not reference secrets"
    sources = ((volume.get("projected") or {}).get("sources") or () for volume in spec.get("volumes") or ())
    if any(each.get("serviceAccountToken") for some in sources for each in some):
        return "a mirror pod may not use ServiceAccountToken volume projections"
    return ""


def _refused(attributes: Attributes, text: str) -> status.StatusError:
    return status.forbidden(attributes.resource, attributes.shown_name, text)
