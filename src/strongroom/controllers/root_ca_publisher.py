"""Every active namespace has a ConfigMap `kube-root-ca.crt`, so that Pods can verify the API server.

Source: Kubernetes documentation, "Managing Service Accounts"; KEP-1205.
"""

import copy

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions
from strongroom.controllers.actions import Action
from strongroom.controllers.controller import Controller
from strongroom.machinery.gvk import Object

NAME = "kube-root-ca.crt"
_KEY = "ca.crt"
_ANNOTATION = "kubernetes.io/description"
_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such "
    "as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions "
    "of Kubernetes clusters."
)


def decide(namespace: Object | None, config_map: Object | None, ca_pem: str) -> list[Action]:
    """What makes the namespace's ConfigMap hold exactly the CA."""
    if namespace is None or namespace["metadata"].get("deletionTimestamp"):
        return []
    if namespace.get("status", {}).get("phase") != "Active":
        return []
    name = namespace["metadata"]["name"]
    if config_map is None:
        fresh = {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {"name": NAME, "namespace": name, "annotations": {_ANNOTATION: _DESCRIPTION}},
            "data": {_KEY: ca_pem},
        }
        return [actions.Create(resources.CONFIG_MAPS, name, fresh)]
    annotations = config_map["metadata"].get("annotations") or {}
    if config_map.get("data") == {_KEY: ca_pem} and annotations.get(_ANNOTATION) == _DESCRIPTION:
        return []
    reset = copy.deepcopy(config_map)
    reset["data"] = {_KEY: ca_pem}
    reset["metadata"]["annotations"] = {**annotations, _ANNOTATION: _DESCRIPTION}
    return [actions.Update(resources.CONFIG_MAPS, name, reset)]


class RootCAPublisher:
    """Keys are names of namespaces. `config_maps` may be narrowed to the name `kube-root-ca.crt`."""

    def __init__(
        self, client: Client, namespaces: Informer, config_maps: Informer, ca_pem: str, clock: Clock
    ) -> None:
        self._client = client
        self._namespaces = namespaces
        self._config_maps = config_maps
        self._ca_pem = ca_pem
        self._loop = Controller("root-ca-publisher", self._reconcile, (namespaces, config_maps), clock)
        namespaces.subscribe(self._namespace_changed)
        config_maps.subscribe(self._config_map_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _namespace_changed(self, kind: str, namespace: Object) -> None:
        if kind != DELETED:
            self._loop.queue.add(namespace["metadata"]["name"])

    def _config_map_changed(self, kind: str, config_map: Object) -> None:
        if config_map["metadata"]["name"] == NAME:
            self._loop.queue.add(config_map["metadata"]["namespace"])

    async def _reconcile(self, name: str) -> None:
        found = decide(self._namespaces.get(None, name), self._config_maps.get(name, NAME), self._ca_pem)
        await actions.perform(self._client, found)
