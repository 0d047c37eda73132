"""Deletes Pods from nodes whose `NoExecute` taints they do not tolerate, or not for longer.

Source: Kubernetes documentation, "Taints and Tolerations" (taint based evictions).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client import event_recorder
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions, node_taints, pod_state
from strongroom.controllers.actions import Action
from strongroom.controllers.controller import Controller
from strongroom.controllers.node_taints import NO_EXECUTE
from strongroom.controllers.scheduling import node_matching
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

NAME = "taint-eviction-controller"
"""As a source of events."""

Taints = Sequence[Mapping[str, Any]]


def evicting(node: Object | None) -> Taints:
    """The node's taints that drive Pods away."""
    taints = ((node or {}).get("spec") or {}).get("taints") or ()
    return [taint for taint in taints if taint.get("effect") == NO_EXECUTE]


def leaves(pod: Object, taints: Taints, seen: datetime) -> datetime | None:
    """When the Pod has to go; None: never. `seen`: since when the taints are known, for those that do not say
    since when they are there."""
    tolerations = (pod.get("spec") or {}).get("tolerations") or ()
    moments: list[datetime] = []
    for taint in taints:
        fitting = [each for each in tolerations if node_matching.tolerated(taint, (each,))]
        if not fitting:
            return seen
        added = taint.get("timeAdded")
        since = duration.parse_timestamp(added) if added else seen
        limits = [each["tolerationSeconds"] for each in fitting if each.get("tolerationSeconds") is not None]
        if limits:
            moments.append(since + timedelta(seconds=max(min(limits), 0)))
    return min(moments) if moments else None


def evict(pod: Object, now: datetime) -> list[Action]:
    """The Pod says why, and goes as if it had been deleted by hand."""
    metadata = pod["metadata"]
    said = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
        "lastTransitionTime": duration.timestamp(now),
    }
    return [
        node_taints.say(resources.PODS, pod, said),
        actions.Delete(resources.PODS, metadata["namespace"], metadata["name"], metadata["uid"]),
    ]


class TaintEviction:
    """Keys are `namespace/name` of Pods."""

    def __init__(
        self, client: Client, pods: Informer, nodes: Informer, recorder: EventRecorder, clock: Clock
    ) -> None:
        self._client = client
        self._pods = pods
        self._nodes = nodes
        self._recorder = recorder
        self._clock = clock
        self._seen: dict[str, tuple[Taints, datetime]] = {}
        """Node -> its taints that drive Pods away, and since when they are known."""
        self._told_to_go: set[str] = set()
        """Uids of Pods whose deletion was asked for, until it is seen."""
        self._loop = Controller("taint-eviction", self._reconcile, (pods, nodes), clock, workers=4)
        nodes.subscribe(self._node_changed)
        pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _node_changed(self, kind: str, node: Object) -> None:
        name = node["metadata"]["name"]
        taints = evicting(node) if kind != DELETED else ()
        if not taints:
            self._seen.pop(name, None)
            return
        if name in self._seen and self._seen[name][0] == taints:
            return
        self._seen[name] = (taints, self._clock.now())
        for pod in self._pods.values():
            self._suspect(pod)

    def _pod_changed(self, kind: str, pod: Object) -> None:
        if kind == DELETED or not pod_state.is_active(pod):
            self._told_to_go.discard(pod["metadata"]["uid"])
        else:
            self._suspect(pod)

    def _suspect(self, pod: Object) -> None:
        if self._seen and pod_state.node(pod) in self._seen and pod_state.is_active(pod):
            self._loop.queue.add(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}")

    async def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        pod = self._pods.get(namespace, name)
        known = self._seen.get(pod_state.node(pod)) if pod is not None else None
        if pod is None or known is None or not pod_state.is_active(pod):
            return
        if pod["metadata"]["uid"] in self._told_to_go:
            return
        moment, now = leaves(pod, *known), self._clock.now()
        if moment is None:
            return
        if moment > now:
            self._loop.queue.add_after(key, (moment - now).total_seconds())
            return
        self._recorder.event(
            pod, event_recorder.NORMAL, "TaintManagerEviction", f"Marking for deletion Pod {key}"
        )
        await actions.perform(self._client, evict(pod, now))
        self._told_to_go.add(pod["metadata"]["uid"])
