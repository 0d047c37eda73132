"""Removes Pods whose node is gone: no agent is left that could end them; and of very many that have ended
the oldest.

Source: Kubernetes documentation, "Pod Lifecycle" (garbage collection of Pods). A node that was just removed
may come back, so its Pods are given a while.
"""

from collections.abc import Iterable
from datetime import datetime

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client import requests
from strongroom.client.informer import Informer, key_of
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions, pod_state
from strongroom.controllers.actions import Action
from strongroom.controllers.controller import Controller
from strongroom.machinery import status
from strongroom.machinery.gvk import Object

MOST_ENDED = 12_500
"""Pods that have ended and may stay, for their logs."""
QUARANTINE = 40.0
"""Seconds that a node must have been missing."""


def is_orphan(pod: Object | None, node: Object | None) -> bool:
    """Whether the Pod is bound and `node`, the one it is bound to, does not exist."""
    return pod is not None and bool((pod.get("spec") or {}).get("nodeName")) and node is None


def failed(pod: Object, now: datetime) -> list[Action]:
    """Says that a Pod has failed with its node, unless it had ended before: nobody else will."""
    if pod_state.is_finished(pod):
        return []
    metadata = pod["metadata"]
    text = "PodGC: node no longer exists"
    said = pod_state.condition(pod, "DisruptionTarget", "True", "DeletionByPodGC", text, now)
    status: Object = {"phase": "Failed"}
    if said is not None:
        status["conditions"] = [said]
    if generation := metadata.get("generation"):
        status["observedGeneration"] = generation
    patch = {"metadata": {"uid": metadata["uid"]}, "status": status}
    return [
        actions.Patch(
            resources.PODS,
            metadata["namespace"],
            metadata["name"],
            patch,
            "status",
            requests.STRATEGIC_MERGE,
        )
    ]


def surplus(ended: Iterable[Object], most: int) -> list[Object]:
    """Of the Pods that have ended, those beyond `most` that are the oldest."""
    pods = sorted(ended, key=lambda pod: (pod["metadata"].get("creationTimestamp") or "", key_of(pod)))
    return pods[: max(len(pods) - most, 0)]


class PodGarbageCollector:
    """Keys are `namespace/name` of Pods; "" stands for all that have ended."""

    def __init__(
        self, client: Client, pods: Informer, nodes: Informer, clock: Clock, *, most_ended: int = MOST_ENDED
    ) -> None:
        self._client = client
        self._pods = pods
        self._nodes = nodes
        self._most = most_ended
        self._clock = clock
        self._ended: set[tuple[str, str]] = set()
        self._loop = Controller("pod-garbage-collector", self._reconcile, (pods, nodes), clock)
        pods.subscribe(self._pod_changed)
        nodes.subscribe(self._node_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _pod_changed(self, kind: str, pod: Object) -> None:
        if kind == DELETED or not pod_state.is_finished(pod):
            self._ended.discard(key_of(pod))
        else:
            self._ended.add(key_of(pod))
            if len(self._ended) > self._most:
                self._loop.queue.add("")
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
        if not key:
            await self._thin_out()
            return
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
        await actions.perform(self._client, failed(pod, self._clock.now()))
        await self._remove(pod)

    async def _thin_out(self) -> None:
        ended = [pod for pod in self._pods.values() if pod_state.is_finished(pod)]
        for pod in surplus(ended, self._most):
            await self._remove(pod)

    async def _remove(self, pod: Object) -> None:
        metadata = pod["metadata"]
        try:
            await self._client.delete(
                resources.PODS,
                metadata["name"],
                metadata["namespace"],
                grace_period_seconds=0,
                uid=metadata["uid"],
            )
        except status.StatusError as error:
            if error.code not in (404, 409):  # gone, or made anew under its name
                raise
