"""Binds each Pod that has no node to one that fits.

Source: Kubernetes documentation, "Kubernetes Scheduler". The rules are in `scheduling`. A Pod that finds no
node says so, and is tried again when nodes or other Pods change, never by the clock.
"""

from collections.abc import Callable, Mapping, Sequence

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client import event_recorder
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED, MODIFIED
from strongroom.controllers import actions, pod_state
from strongroom.controllers.actions import Delete
from strongroom.controllers.controller import Controller
from strongroom.controllers.scheduling import placement, pod_use, preemption
from strongroom.controllers.scheduling.cluster import Candidate, Cluster, key_of
from strongroom.controllers.scheduling.placement import Placed, Unschedulable
from strongroom.controllers.scheduling.pod_use import PodUse
from strongroom.controllers.scheduling.preemption import Preempt, Preemptor
from strongroom.machinery import status
from strongroom.machinery.gvk import Object

NAME = "default-scheduler"
_WORKERS = 8
"""Bindings under way at once. A decision is made and assumed in one step, so none disturbs another."""


def is_ours(pod: Object | None) -> bool:
    """Whether the Pod waits for a node, and for one from this scheduler."""
    if pod is None or pod["metadata"].get("deletionTimestamp"):
        return False
    spec = pod.get("spec") or {}
    if spec.get("nodeName") or spec.get("schedulingGates"):
        return False
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return False
    return (spec.get("schedulerName") or NAME) == NAME


def binding(pod: Object, node: str) -> Object:
    metadata = pod["metadata"]
    return {
        "kind": "Binding",
        "apiVersion": "v1",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]},
        "target": {"kind": "Node", "name": node},
    }


class Scheduler:
    """Keys are `namespace/name` of Pods."""

    def __init__(
        self,
        client: Client,
        pods: Informer,
        nodes: Informer,
        namespaces: Informer,
        recorder: EventRecorder,
        clock: Clock,
    ) -> None:
        self._client = client
        self._pods = pods
        self._recorder = recorder
        self._clock = clock
        self._namespaces = namespaces
        self._cluster = Cluster()
        self._waiting: dict[str, Object] = {}
        """Pods that found no node, with the spec they had then."""
        self._loop = Controller(
            "scheduler",
            self._reconcile,
            (nodes, namespaces, pods),
            clock,
            workers=_WORKERS,
            urgency=self._priority,
        )
        nodes.subscribe(self._node_changed)
        pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _node_changed(self, kind: str, node: Object) -> None:
        if self._cluster.node_changed(kind, node):
            self._try_again()

    def _pod_changed(self, kind: str, pod: Object) -> None:
        key = key_of(pod)
        before = self._cluster.labels_of(key)
        if self._cluster.pod_changed(kind, pod):
            self._try_again()
        elif self._waiting and self._cluster.labels_of(key) != before:
            # A new neighbour, or one with other labels.
            self._try_again(placement.is_choosy)
        if kind == DELETED:
            self._waiting.pop(key, None)
        elif is_ours(pod) and self._waiting.get(key) != pod["spec"]:
            self._loop.queue.add(key)

    def _try_again(self, concerned: Callable[[Object], bool] | None = None) -> None:
        for key, spec in list(self._waiting.items()):
            if concerned is None or concerned({"spec": spec}):
                del self._waiting[key]
                self._loop.queue.add(key)

    def _priority(self, key: str) -> int:
        """Of two Pods that wait the more important one is placed first."""
        namespace, name = key.split("/")
        pod = self._pods.get(namespace, name)
        return int(((pod or {}).get("spec") or {}).get("priority") or 0)

    def _namespace_labels(self, namespace: str) -> Mapping[str, str]:
        found = self._namespaces.get(None, namespace)
        labels: Mapping[str, str] = (found["metadata"].get("labels") or {}) if found is not None else {}
        return labels

    async def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        pod = self._pods.get(namespace, name)
        if pod is None or not is_ours(pod) or self._cluster.is_assumed(key):
            return
        use = pod_use.of(pod)
        candidates = list(self._cluster.candidates(key, use.priority))
        nominated = self._cluster.nominated(key)

        def place(nodes: Sequence[Candidate], first: str) -> Placed | Unschedulable:
            return placement.place(
                pod,
                use,
                nodes,
                others_are_aloof=self._cluster.has_aloof,
                namespace_labels=self._namespace_labels,
                first=first,
            )

        outcome = place(candidates, nominated)
        if isinstance(outcome, Placed):
            await self._bind(key, pod, outcome.node, use)
            return
        self._waiting[key] = pod["spec"]
        never = pod["spec"].get("preemptionPolicy") == "Never"
        preemptor = Preemptor(use.priority, never, nominated, place=place)
        found = preemption.preempt(preemptor, outcome, candidates)
        if isinstance(found, Preempt):
            await self._make_room(key, pod, use, found)
            return
        if not found.keeps_node:
            self._cluster.forget_nomination(key)
        await self._explain(pod, found.message, nominated if found.keeps_node else "")

    async def _bind(self, key: str, pod: Object, node: str, use: PodUse) -> None:
        self._cluster.assume(key, node, use)
        namespace, name = key.split("/")
        try:
            await self._client.create(
                resources.PODS, binding(pod, node), namespace, subresource="binding", name=name
            )
        except BaseException:
            self._cluster.forget(key)
            self._try_again()
            raise
        self._try_again(placement.is_choosy)
        self._recorder.event(
            pod, event_recorder.NORMAL, "Scheduled", f"Successfully assigned {key} to {node}"
        )

    async def _make_room(self, key: str, pod: Object, use: PodUse, found: Preempt) -> None:
        """The victims are told to go; the Pod is tried again when they are gone."""
        outdone = self._cluster.nominate(key, found.node, use)
        for victim in found.victims:
            self._cluster.told_to_go(victim)
        for number, victim in enumerate(found.victims):
            try:
                await self._tell_to_go(victim, pod, found.node)
            except BaseException:
                self._were_not_told(found.victims[number:])
                raise
        await self._explain(pod, found.message, found.node)
        for other in outdone:
            self._loop.queue.add(other)

    def _were_not_told(self, victims: Sequence[str]) -> None:
        """They are as their events told them last, and can be chosen again."""
        for key in victims:
            if (pod := self._pods.get(*key.split("/"))) is not None:
                self._cluster.pod_changed(MODIFIED, pod)

    async def _tell_to_go(self, key: str, preemptor: Object, node: str) -> None:
        namespace, name = key.split("/")
        victim = self._pods.get(namespace, name)
        if victim is None or victim["metadata"].get("deletionTimestamp"):
            return
        text = f"{NAME}: preempting to accommodate a higher priority pod"
        condition = pod_state.condition(
            victim, "DisruptionTarget", "True", pod_use.PREEMPTION, text, self._clock.now()
        )
        if condition is not None:
            await self._patch_status(victim, {"conditions": [condition]})
        uid = victim["metadata"]["uid"]
        await actions.perform(self._client, [Delete(resources.PODS, namespace, name, uid)])
        text = f"Preempted by pod {preemptor['metadata']['uid']} on node {node}"
        self._recorder.event(victim, event_recorder.NORMAL, "Preempted", text)

    async def _explain(self, pod: Object, message: str, nominated: str) -> None:
        self._recorder.event(pod, event_recorder.WARNING, "FailedScheduling", message)
        status = pod.get("status") or {}
        change: Object = {}
        if (status.get("nominatedNodeName") or "") != nominated:
            change["nominatedNodeName"] = nominated or None
        condition = pod_state.condition(
            pod, "PodScheduled", "False", "Unschedulable", message, self._clock.now()
        )
        if condition is not None:
            change["conditions"] = [condition]
        if change:
            await self._patch_status(pod, change)

    async def _patch_status(self, pod: Object, change: Object) -> None:
        metadata = pod["metadata"]
        try:
            await self._client.patch(
                resources.PODS,
                metadata["name"],
                {"metadata": {"uid": metadata["uid"]}, "status": change},
                metadata["namespace"],
                subresource="status",
            )
        except status.StatusError as error:
            if error.code not in (404, 409):  # gone or made anew: its own events tell
                raise
