"""Removes Pods whose node is gone: no agent is left that could end them.

Source: Kubernetes documentation, "Pod Lifecycle" (garbage collection of Pods). A node that was just removed
may come back, so its Pods are given a while.
"""

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers.controller import Controller
from strongroom.machinery import status
from strongroom.machinery.gvk import Object

QUARANTINE = 40.0
"""Seconds that a node must have been missing."""


def is_orphan(pod: Object | None, node: Object | None) -> bool:
    """Whether the Pod is bound and `node`, the one it is bound to, does not exist."""
    return pod is not None and bool((pod.get("spec") or {}).get("nodeName")) and node is None


class PodGarbageCollector:
    """Keys are `namespace/name` of Pods."""

    def __init__(self, client: Client, pods: Informer, nodes: Informer, clock: Clock) -> None:
        self._client = client
        self._pods = pods
        self._nodes = nodes
        self._loop = Controller("pod-garbage-collector", self._reconcile, (pods, nodes), clock)
        pods.subscribe(self._pod_changed)
        nodes.subscribe(self._node_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _pod_changed(self, kind: str, pod: Object) -> None:
        if kind != DELETED:
            self._suspect(pod)

    def _node_changed(self, kind: str, node: Object) -> None:
        if kind == DELETED:
            for pod in self._pods.values():
                self._suspect(pod)

    def _suspect(self, pod: Object) -> None:
        # Before the nodes have synced every Pod looks like an orphan; it is judged when its time comes.
        if is_orphan(pod, self._node_of(pod)):
            metadata = pod["metadata"]
            self._loop.queue.add_after(f"{metadata['namespace']}/{metadata['name']}", QUARANTINE)

    def _node_of(self, pod: Object) -> Object | None:
        return self._nodes.get(None, (pod.get("spec") or {}).get("nodeName", ""))

    async def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        pod = self._pods.get(namespace, name)
        if pod is None or not is_orphan(pod, self._node_of(pod)):
            return
        try:
            await self._client.get(resources.NODES, pod["spec"]["nodeName"])
            return  # the cache was behind
        except status.StatusError as error:
            if error.code != 404:
                raise
        try:
            await self._client.delete(
                resources.PODS, name, namespace, grace_period_seconds=0, uid=pod["metadata"]["uid"]
            )
        except status.StatusError as error:
            if error.code not in (404, 409):  # gone, or made anew under its name
                raise
