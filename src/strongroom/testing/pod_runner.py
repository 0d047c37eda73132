"""Plays the node agent over the API alone: Pods get ready as soon as they are bound, and end when told to."""

from strongroom.aio import tasks
from strongroom.api import resources
from strongroom.client import informer, rest
from strongroom.client.watching import DELETED
from strongroom.machinery import duration, status
from strongroom.machinery.gvk import Object

NODE = "node-1"
BAD = "bad"
"""Pods whose first container has this image are never ready."""


class PodRunner:
    """`start` adds a node that has room for a thousand Pods. Nothing happens to Pods while `frozen`."""

    def __init__(self, client: rest.Client, group: tasks.TaskGroup) -> None:
        self.frozen = False
        self._client = client
        self._group = group
        self._pods = informer.Informer(client, resources.PODS)
        self._pods.subscribe(self._changed)
        self._group.spawn("pods", self._pods.run())

    async def start(self) -> None:
        allocatable = {"cpu": "1k", "memory": "4Ti", "pods": "1000"}
        ready = {"type": "Ready", "status": "True"}
        node = {
            "kind": "Node",
            "apiVersion": "v1",
            "metadata": {"name": NODE},
            "status": {"allocatable": allocatable, "capacity": allocatable, "conditions": [ready]},
        }
        await self._client.create(resources.NODES, node)

    def thaw(self) -> None:
        self.frozen = False
        for pod in list(self._pods.values()):
            self._changed("MODIFIED", pod)

    def _changed(self, kind: str, pod: Object) -> None:
        if kind == DELETED or self.frozen or not pod["spec"].get("nodeName"):
            return
        if pod["metadata"].get("deletionTimestamp"):
            self._group.spawn("end", self._end(pod))
        elif pod["spec"]["containers"][0]["image"] != BAD and not (pod["status"].get("podIP")):
            self._group.spawn("ready", self.set_ready(pod))

    async def set_ready(self, pod: Object, state: str = "True") -> None:
        now = duration.timestamp(duration.parse_timestamp(pod["metadata"]["creationTimestamp"]))
        ready = {"type": "Ready", "status": state, "lastTransitionTime": now}
        patch = {
            "metadata": {"uid": pod["metadata"]["uid"]},
            "status": {"phase": "Running", "podIP": "192.0.2.7", "conditions": [ready]},
        }
        try:
            await self._client.patch(
                resources.PODS,
                pod["metadata"]["name"],
                patch,
                pod["metadata"]["namespace"],
                subresource="status",
            )
        except status.StatusError as error:
            if error.code not in (404, 409):
                raise

    async def _end(self, pod: Object) -> None:
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
            if error.code not in (404, 409):
                raise
