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
    since when they are there. The time runs from when the taint and the Pod were both there; for each taint
    the first toleration that fits counts."""
    tolerations = (pod.get("spec") or {}).get("tolerations") or ()
    moments: list[datetime] = []
    for taint in taints:
        fitting = next((each for each in tolerations if node_matching.tolerated(taint, (each,))), None)
        if fitting is None:
            return seen
        seconds = fitting.get("tolerationSeconds")
        if seconds is not None:
            added = taint.get("timeAdded")
            since = duration.parse_timestamp(added) if added else seen
            moments.append(max(since, _came(pod) or since) + timedelta(seconds=max(seconds, 0)))
    return min(moments, default=None)


def _came(pod: Object) -> datetime | None:
    """When the Pod came to its node."""
    scheduled = pod_state.find(pod, "PodScheduled") or {}
    came = scheduled.get("lastTransitionTime") or pod["metadata"].get("creationTimestamp")
    return duration.parse_timestamp(came) if came else None


def evict(pod: Object, now: datetime) -> list[Action]:
    """The Pod says why, and goes as if it had been deleted by hand."""
    metadata = pod["metadata"]
    text = "Taint manager: deleting due to NoExecute taint"
    said = pod_state.condition(pod, "DisruptionTarget", "True", "DeletionByTaintManager", text, now)
    gone = actions.Delete(resources.PODS, metadata["namespace"], metadata["name"], metadata["uid"])
    return [gone] if said is None else [node_taints.say(resources.PODS, pod, said), gone]


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
        self._waiting: dict[str, Object] = {}
        """Key -> Pod, of those whose time has begun."""
        self._loop = Controller("taint-eviction", self._reconcile, (pods, nodes), clock, workers=4)
        nodes.subscribe(self._node_changed)
        pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _node_changed(self, kind: str, node: Object) -> None:
        name = node["metadata"]["name"]
        taints = evicting(node) if kind != DELETED else ()
        if not taints:
            if self._seen.pop(name, None) is not None and kind != DELETED:
                self._stay(name)
            return
        if name in self._seen and self._seen[name][0] == taints:
            return
        self._seen[name] = (taints, self._clock.now())
        for pod in self._pods.values():
            self._suspect(pod)

    def _stay(self, node: str) -> None:
        """Nothing drives Pods from that node any more."""
        for key, pod in list(self._waiting.items()):
            if pod_state.node(pod) == node:
                self._call_off(key)

    def _call_off(self, key: str) -> None:
        if (pod := self._waiting.pop(key, None)) is not None:
            self._tell(pod, f"Cancelling deletion of Pod {key}")

    def _tell(self, pod: Object, text: str) -> None:
        self._recorder.event(pod, event_recorder.NORMAL, "TaintManagerEviction", text)

    def _pod_changed(self, kind: str, pod: Object) -> None:
        if kind == DELETED or not pod_state.is_active(pod):
            self._told_to_go.discard(pod["metadata"]["uid"])
            self._waiting.pop(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}", None)
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
            self._call_off(key)
            return
        if moment > now:
            self._waiting[key] = pod
            self._loop.queue.add_after(key, (moment - now).total_seconds())
            return
        self._waiting.pop(key, None)
        self._tell(pod, f"Marking for deletion Pod {key}")
        await actions.perform(self._client, evict(pod, now))
        self._told_to_go.add(pod["metadata"]["uid"])
