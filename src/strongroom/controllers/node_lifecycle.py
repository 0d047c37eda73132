"""Notices nodes that are heard of no more, and keeps the taints of nodes true to their state.

A node is heard of when its Lease is renewed, or when its own report of its state changes. When each is to be
looked at next is known, so nothing looks at nodes in between.
"""

from strongroom.aio.clock import Clock
from strongroom.client import event_recorder
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions, node_taints, pod_state
from strongroom.controllers.controller import Controller
from strongroom.machinery import status
from strongroom.machinery.gvk import Object

NAME = "node-controller"
"""As a source of events."""
LEASE_NAMESPACE = "kube-node-lease"
GRACE = 50.0
"""Seconds without a sign of life (kube-controller-manager's `--node-monitor-grace-period`)."""


class NodeLifecycle:
    """Keys are names of nodes. `leases`: those of `kube-node-lease`."""

    def __init__(
        self,
        client: Client,
        nodes: Informer,
        leases: Informer,
        pods: Informer,
        recorder: EventRecorder,
        clock: Clock,
        *,
        grace: float = GRACE,
    ) -> None:
        self._client = client
        self._grace = grace
        self._nodes = nodes
        self._pods = pods
        self._recorder = recorder
        self._clock = clock
        self._heard: dict[str, float] = {}
        """When each node was last heard of."""
        self._beats: dict[str, object] = {}
        """What each node's report said then."""
        self._loop = Controller("node-lifecycle", self._reconcile, (nodes, leases, pods), clock)
        nodes.subscribe(self._node_changed)
        leases.subscribe(self._lease_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _node_changed(self, kind: str, node: Object) -> None:
        name = node["metadata"]["name"]
        if kind == DELETED:
            self._heard.pop(name, None)
            self._beats.pop(name, None)
            return
        ready = node_taints.conditions(node).get("Ready") or {}
        beat = (node["metadata"]["uid"], ready.get("lastHeartbeatTime"))
        if self._beats.get(name) != beat:
            self._beats[name] = beat
            self._heard[name] = self._clock.monotonic()
        self._loop.queue.add(name)

    def _lease_changed(self, kind: str, lease: Object) -> None:
        name = lease["metadata"]["name"]
        if kind != DELETED and name in self._heard:
            self._heard[name] = self._clock.monotonic()

    async def _reconcile(self, name: str) -> None:
        node = self._nodes.get(None, name)
        if node is None:
            return
        now = self._clock.now()
        left = self._heard.get(name, 0.0) + self._grace - self._clock.monotonic()
        if left > 0:
            self._loop.queue.add_after(name, left)
        elif silent := node_taints.silence(node, now):
            self._recorder.event(
                # By custom the uid of a node's events is its name.
                {**node, "metadata": {"name": name, "uid": name}},
                event_recorder.NORMAL,
                "NodeNotReady",
                f"Node {name} status is now: NodeNotReady",
            )
            await actions.perform(self._client, silent)
            return  # the changed node comes by again
        if tainted := node_taints.taint(node, now):
            await actions.perform(self._client, tainted)
            return
        ready = node_taints.conditions(node).get("Ready") or {}
        if ready.get("status") == "Unknown":
            await self._mark_pods(name)

    async def _mark_pods(self, node: str) -> None:
        for pod in [pod for pod in self._pods.values() if pod_state.node(pod) == node]:
            marked = node_taints.not_ready(pod, self._clock.now())
            if not marked:
                continue
            self._recorder.event(pod, event_recorder.WARNING, "NodeNotReady", "Node is not ready")
            try:
                await actions.perform(self._client, marked)
            except status.StatusError as error:
                if error.code not in (404, 409):  # gone, or made anew
                    raise
