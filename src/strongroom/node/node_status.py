"""The Node object: registered once, then kept true: conditions, and a sign of life.

A Lease in `kube-node-lease` is renewed where the API serves leases; the status is written when something
changed, and every five minutes.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import strongroom
from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.status import StatusError
from strongroom.node import events
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri.errors import CRIError
from strongroom.node.cri.protocol import CRI
from strongroom.node.machine import Machine
from strongroom.node.pod_status import timestamp

_LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
_LEASE_NAMESPACE = "kube-node-lease"
_LEASE_SECONDS = 40
HEARTBEAT = 10.0
"""Seconds between two looks at the runtime, and between two renewals of the lease."""
_REPORT = 300.0
KUBELET_VERSION = f"v1.36.1+strongroom.{strongroom.__version__}"
"""The Kubernetes release whose kubelet this behaves as."""

_log = logging.getLogger(__name__)
_PRESSURES = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
}


def labels(node_name: str, machine: Machine) -> dict[str, str]:
    """The labels a node gives itself."""
    return {
        "kubernetes.io/arch": machine.architecture,
        "kubernetes.io/hostname": node_name,
        "kubernetes.io/os": "linux",
    }


def conditions(
    runtime: Sequence[pb.RuntimeCondition], error: str, now: datetime, previous: Sequence[Mapping[str, Any]]
) -> list[Object]:
    """The conditions of the node. `error`: the runtime could not be asked. Times of transition are kept."""
    wanted = [_condition(kind, "False", *texts) for kind, texts in _PRESSURES.items()]
    wanted.append(_ready(runtime, error))
    before = {condition["type"]: condition for condition in previous}
    for condition in wanted:
        old = before.get(condition["type"])
        same = old is not None and old.get("status") == condition["status"]
        condition["lastHeartbeatTime"] = timestamp(now)
        condition["lastTransitionTime"] = old["lastTransitionTime"] if old and same else timestamp(now)
    return wanted


def _ready(runtime: Sequence[pb.RuntimeCondition], error: str) -> Object:
    problems = [f"container runtime is down: {error}"] if error else []
    names = {
        "RuntimeReady": "container runtime not ready",
        "NetworkReady": "container runtime network not ready",
    }
    for condition in runtime:
        if condition.type in names and not condition.status:
            detail = f"{condition.type}=false reason:{condition.reason} message:{condition.message}"
            problems.append(f"{names[condition.type]}: {detail}")
    if problems:
        return _condition("Ready", "False", "KubeletNotReady", f"[{', '.join(problems)}]")
    return _condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")


def _condition(kind: str, status: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def status(machine: Machine, node_name: str, runtime_version: str, streaming_port: int) -> Object:
    """The status of the node, conditions apart."""
    addresses = [{"type": "InternalIP", "address": ip} for ip in machine.ips]
    return {
        "addresses": [*addresses, {"type": "Hostname", "address": node_name}],
        "capacity": machine.capacity(),
        "allocatable": machine.capacity(),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": streaming_port}},
        "nodeInfo": {
            "architecture": machine.architecture,
            "bootID": machine.boot_id,
            "containerRuntimeVersion": runtime_version,
            "kernelVersion": machine.kernel,
            "kubeProxyVersion": "",
            "kubeletVersion": KUBELET_VERSION,
            "machineID": machine.machine_id,
            "operatingSystem": "linux",
            "osImage": machine.os_image,
            "systemUUID": machine.machine_id,
        },
    }


class NodeStatus:
    """Registers the node and keeps its object true. One `beat` after the other; none raises."""

    def __init__(
        self,
        client: Client,
        cri: CRI,
        recorder: events.Recorder,
        clock: Clock,
        machine: Machine,
        *,
        node_name: str,
        streaming_port: int,
        annotations: Mapping[str, str],
    ) -> None:
        self._client = client
        self._cri = cri
        self._recorder = recorder
        self._clock = clock
        self._machine = machine
        self._name = node_name
        self._port = streaming_port
        self._annotations = annotations
        self._runtime_version = ""
        self._registered = False
        self._reported: list[Object] = []
        self._reported_at = 0.0
        self._leases_served = True
        self.ready = False
        """Whether the API has been told that the node is ready."""

    async def beat(self) -> None:
        """Do what is due: register, report, renew. Trouble is logged, and the next beat tries again."""
        try:
            await self._report(await self._conditions())
            await self._renew_lease()
        except StatusError as error:
            # Someone may have deleted the object: then it is registered anew.
            self._registered = self._registered and error.code != 404
            _log.warning("node %s: %s", self._name, error.message)
        except ConnectionFailed as error:
            _log.warning("node %s: %s", self._name, error)

    async def _conditions(self) -> list[Object]:
        runtime: Sequence[pb.RuntimeCondition] = ()
        problem = ""
        try:
            if not self._runtime_version:
                version = await self._cri.version()
                self._runtime_version = f"{version.runtime_name}://{version.runtime_version}"
            runtime = await self._cri.status()
        except CRIError as error:
            problem = error.message
        return conditions(runtime, problem, self._clock.now(), self._reported)

    async def _report(self, found: list[Object]) -> None:
        now = self._clock.monotonic()
        changed = [_essence(item) for item in found] != [_essence(item) for item in self._reported]
        due = not self._registered or changed or now - self._reported_at >= _REPORT
        if not due and not await self._is_given_up():
            return
        body = {**status(self._machine, self._name, self._runtime_version, self._port), "conditions": found}
        if not self._registered:
            await self._register()
        await self._client.patch(resources.NODES, self._name, {"status": body}, subresource="status")
        self._tell(found)
        self._registered = True
        self._reported, self._reported_at = found, now
        self.ready = any(item["type"] == "Ready" and item["status"] == "True" for item in found)

    async def _is_given_up(self) -> bool:
        """Whether the API says that nobody knows how this node is, after it was not heard of for a while."""
        node = await self._client.get(resources.NODES, self._name)
        said = (node.get("status") or {}).get("conditions") or ()
        return any(condition.get("status") == "Unknown" for condition in said)

    async def _register(self) -> None:
        own = {"labels": labels(self._name, self._machine), "annotations": dict(self._annotations)}
        metadata = {"name": self._name, **own}
        node = {"kind": "Node", "apiVersion": "v1", "metadata": metadata, "spec": {}}
        try:
            await self._client.create(resources.NODES, node)
        except StatusError as error:
            if error.code != 409:
                raise
            await self._client.patch(resources.NODES, self._name, {"metadata": own})
        self._event("Starting", "Starting kubelet.")

    def _tell(self, found: Sequence[Object]) -> None:
        before = {condition["type"]: condition["status"] for condition in self._reported}
        reasons = {
            ("MemoryPressure", "False"): "NodeHasSufficientMemory",
            ("DiskPressure", "False"): "NodeHasNoDiskPressure",
            ("PIDPressure", "False"): "NodeHasSufficientPID",
            ("Ready", "True"): "NodeReady",
            ("Ready", "False"): "NodeNotReady",
        }
        for condition in found:
            key = (condition["type"], condition["status"])
            if before.get(condition["type"]) != condition["status"] and key in reasons:
                self._event(reasons[key], f"Node {self._name} status is now: {reasons[key]}")

    def _event(self, reason: str, message: str) -> None:
        self.tell(events.NORMAL, reason, message)

    def tell(self, type: str, reason: str, message: str) -> None:
        """An Event about the node."""
        # By custom the uid of a node's events is its name.
        node = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": self._name, "uid": self._name}}
        self._recorder.event(node, type, reason, message)

    async def _renew_lease(self) -> None:
        if not self._leases_served:
            return
        moment = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {
            "holderIdentity": self._name,
            "leaseDurationSeconds": _LEASE_SECONDS,
            "renewTime": moment,
        }
        try:
            await self._client.patch(_LEASES, self._name, {"spec": spec}, _LEASE_NAMESPACE)
        except StatusError as error:
            if error.code == 404:
                await self._create_lease(spec)
            elif error.code == 403:
                # An API that serves no leases lets no node at them either.
                self._leases_served = False
            else:
                raise

    async def _create_lease(self, spec: Object) -> None:
        lease = {
            "kind": "Lease",
            "apiVersion": _LEASES.api_version,
            "metadata": {"name": self._name, "namespace": _LEASE_NAMESPACE},
            "spec": spec,
        }
        try:
            await self._client.create(_LEASES, lease, _LEASE_NAMESPACE)
        except StatusError as error:
            if error.code not in (403, 404):
                raise
            self._leases_served = False


def _essence(condition: Object) -> tuple[str, str, str]:
    return (condition["type"], condition["status"], condition["message"])
