"""Every active namespace has a ServiceAccount `default`.

Source: Kubernetes documentation, "Managing Service Accounts" (ServiceAccount controller).
"""

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions
from strongroom.controllers.actions import Action
from strongroom.controllers.controller import Controller
from strongroom.machinery.gvk import Object

DEFAULT = "default"


def decide(namespace: Object | None, account: Object | None) -> list[Action]:
    """What a namespace lacks, from itself and its ServiceAccount `default`."""
    if namespace is None or account is not None:
        return []
    if namespace.get("status", {}).get("phase") != "Active" or namespace["metadata"].get("deletionTimestamp"):
        return []
    name = namespace["metadata"]["name"]
    account = {
        "kind": "ServiceAccount",
        "apiVersion": "v1",
        "metadata": {"name": DEFAULT, "namespace": name},
    }
    return [actions.Create(resources.SERVICE_ACCOUNTS, name, account)]


class ServiceAccountController:
    """Keys are names of namespaces."""

    def __init__(self, client: Client, namespaces: Informer, accounts: Informer, clock: Clock) -> None:
        self._client = client
        self._namespaces = namespaces
        self._accounts = accounts
        self._loop = Controller("service-account", self._reconcile, (namespaces, accounts), clock)
        namespaces.subscribe(self._namespace_changed)
        accounts.subscribe(self._account_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _namespace_changed(self, kind: str, namespace: Object) -> None:
        if kind != DELETED:
            self._loop.queue.add(namespace["metadata"]["name"])

    def _account_changed(self, kind: str, account: Object) -> None:
        if kind == DELETED and account["metadata"]["name"] == DEFAULT:
            self._loop.queue.add(account["metadata"]["namespace"])

    async def _reconcile(self, name: str) -> None:
        found = decide(self._namespaces.get(None, name), self._accounts.get(name, DEFAULT))
        await actions.perform(self._client, found)
