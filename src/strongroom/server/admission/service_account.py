"""ServiceAccount: a Pod's account exists, lends it its image pull secrets, and a way to the API."""

import asyncio
from collections.abc import Awaitable, Callable

from strongroom.api import resources
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.registry.generic import Registry
from strongroom.server.admission import api_access
from strongroom.server.admission.plugin import CREATE, Attributes

DEFAULT = "default"
MIRROR = "kubernetes.io/config.mirror"
_RETRIES, _RETRY_SECONDS = 10, 0.1

Sleep = Callable[[float], Awaitable[object]]


class ServiceAccount:
    """The account `default` of a new namespace is waited for a second: a controller is making it."""

    def __init__(self, service_accounts: Registry, sleep: Sleep = asyncio.sleep) -> None:
        self._service_accounts = service_accounts
        self._sleep = sleep

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == resources.PODS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None, "a creation has an object"
        spec = pod["spec"]
        if MIRROR in (pod["metadata"].get("annotations") or {}):
            if spec.get("serviceAccountName"):
                raise _refused(attributes, "a mirror pod may not reference service accounts")
            return
        name = spec.get("serviceAccountName") or DEFAULT
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = await self._account(attributes, name)
        if not spec.get("imagePullSecrets") and (secrets := account.get("imagePullSecrets")):
            spec["imagePullSecrets"] = secrets
        if api_access.wanted(spec, account):
            api_access.mount(spec)

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


def _refused(attributes: Attributes, text: str) -> status.StatusError:
    return status.forbidden(attributes.resource, attributes.shown_name, text)
