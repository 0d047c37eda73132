"""A node in memory: the agent's real parts over a fake API, a fake runtime and fake mounts."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strongroom.aio.clock import FakeClock
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.machinery.gvk import Object
from strongroom.node import pod_lifecycle_events
from strongroom.node.delivery.reporter import Reporter
from strongroom.node.exec_sync import RuntimeExecSync
from strongroom.node.images.pull_records import PullRecords
from strongroom.node.images.puller import Puller
from strongroom.node.machine import Machine
from strongroom.node.object_cache import ObjectCache
from strongroom.node.pod_workers import PodWorkers
from strongroom.node.probes.manager import Probes
from strongroom.node.probes.prober import Prober
from strongroom.node.redaction import values_of
from strongroom.node.services import Services
from strongroom.node.status_manager import StatusManager
from strongroom.node.volumes.manager import VolumeManager
from strongroom.testing.fake_api import FakeAPI
from strongroom.testing.fake_cri import FakeCRI
from strongroom.testing.fake_mounts import FakeMounts

NAMESPACE = "ns"
MACHINE = Machine(hostname="n1", ips=("192.0.2.1",), cpus=2, memory=4 * 1024**3, storage=1024**3)


@dataclass
class Node:
    """Pods are put into `api`, as if bound to this node; what is told of them is in `events`."""

    directory: Path
    clock: FakeClock = field(default_factory=FakeClock)
    api: FakeAPI = field(
        default_factory=lambda: FakeAPI(
            [
                resources.PODS,
                resources.SECRETS,
                resources.CONFIG_MAPS,
                resources.SECRET_DELIVERIES,
                resources.NODES,
            ]
        )
    )
    cri: FakeCRI = field(default_factory=FakeCRI)
    mounts: FakeMounts = field(default_factory=FakeMounts)
    events: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self.tasks = TaskGroup("node-under-test")
        client = Client(self.api, "test")
        self.objects = ObjectCache(client, lambda *changed: self.workers.object_changed(*changed))
        self.volumes = VolumeManager(self.directory / "pods", self.objects, self.clock, memory=self.mounts)
        runner = RuntimeExecSync(self.cri)
        prober = Prober(runner, self, lambda pod: values_of(pod, self.objects))
        self.probes = Probes(
            prober, self.clock, lambda uid: self.workers.probes_changed(uid), spread=lambda: 0.5
        )
        self.services = Services(
            client=client,
            cri=self.cri,
            recorder=self,
            clock=self.clock,
            objects=self.objects,
            volumes=self.volumes,
            puller=Puller(self.cri, self, self.clock, PullRecords(self.directory / "images", self.clock)),
            statuses=StatusManager(client, self.tasks),
            deliveries=Reporter(client, self.tasks, self.clock, "n1", sleep=lambda _: asyncio.sleep(0)),
            probes=self.probes,
            machine=MACHINE,
            node_name="n1",
            logs_dir=self.directory / "logs",
            seccomp_dir=self.directory / "seccomp",
            exec_sync=runner,
        )
        self.workers = PodWorkers(self.services)
        self.informer = Informer(client, resources.PODS)
        self.informer.subscribe(self.workers.pod_changed)

    async def run(self) -> None:
        """Follow the API and the runtime."""
        self.tasks.spawn("pods", self.informer.run())
        self.tasks.spawn("probes", self.probes.run())
        self.tasks.spawn("runtime", pod_lifecycle_events.follow(self.cri, self.workers))
        await self.informer.has_synced.wait()

    async def stop(self) -> None:
        """End the agent's parts, as a crash does: nothing is cleaned up."""
        await self.workers.aclose()
        await self.objects.aclose()
        await self.tasks.aclose()

    async def restart(self) -> None:
        """A new agent beside what runs."""
        await self.stop()
        self._start()
        await self.run()

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        """Fulfils `node.events.Recorder`."""
        assert obj["kind"] == "Pod"
        self.events.append(f"{type} {reason}: {message}")

    def put_pod(self, name: str = "p", **spec: Any) -> Object:
        """A pod with one container `c` of the image `shell:1`, which is on the machine."""
        self.cri.add_image("shell:1")
        container = {"name": "c", "image": "shell:1", **spec.pop("container", {})}
        metadata = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", **spec.pop("metadata", {})}
        pod = {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": metadata,
            "spec": {"nodeName": "n1", "restartPolicy": "Always", "containers": [container], **spec},
        }
        return self.api.put(resources.PODS, pod)

    def put_secret(self, name: str, **values: str) -> Object:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        metadata = {"name": name, "namespace": NAMESPACE}
        secret = {"kind": "Secret", "apiVersion": "v1", "metadata": metadata, "data": data}
        return self.api.put(resources.SECRETS, secret)

    def put_config_map(self, name: str, **values: str) -> Object:
        metadata = {"name": name, "namespace": NAMESPACE}
        config_map = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": values}
        return self.api.put(resources.CONFIG_MAPS, config_map)

    def delete_pod(self, name: str = "p", grace: int = 30) -> None:
        """Mark a pod as deleted, as the API does for a graceful deletion."""
        pod = self.api.get(resources.PODS, name, NAMESPACE)
        assert pod is not None
        stamps = {"deletionTimestamp": "2026-01-02T03:04:05Z", "deletionGracePeriodSeconds": grace}
        self.api.put(resources.PODS, {**pod, "metadata": {**pod["metadata"], **stamps}})

    def delivered(self, name: str = "p") -> dict[str, str]:
        """What a pod's receipt says: `container way:volume secret` -> version, `!` if it has a message."""
        found = self.api.get(resources.SECRET_DELIVERIES, name, NAMESPACE) or {}
        told = {}
        for item in found.get("deliveries") or ():
            way = item["way"] + (f":{item['volume']}" if item.get("volume") else "")
            mark = "!" if item.get("message") else ""
            told[f"{item['container']} {way} {item['secret']}"] = item.get("resourceVersion", "") + mark
        return told

    def pod(self, name: str = "p") -> Object | None:
        return self.api.get(resources.PODS, name, NAMESPACE)

    def status(self, name: str = "p") -> Object:
        pod = self.pod(name)
        return dict((pod or {}).get("status") or {})

    def is_ready(self, name: str = "p") -> bool:
        conditions = self.status(name).get("conditions") or ()
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)

    def state(self, name: str = "p") -> Object:
        """The state of the pod's first container."""
        statuses = self.status(name).get("containerStatuses") or [{}]
        return dict(statuses[0].get("state") or {})

    def volume(self, name: str = "p", kind: str = "secret", volume: str = "v") -> Path:
        return self.directory / "pods" / f"uid-{name}" / "volumes" / f"kubernetes.io~{kind}" / volume

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the agent to get there; it needs no time but its own."""
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def settle(self) -> None:
        """Let the agent do all it can do now."""
        for _ in range(200):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        """Turn the clock, and wake every worker as its own timer would."""
        self.clock.advance(seconds)
        self.workers.runtime_changed()
        self.probes.wake()
        await self.settle()


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Node]:
    """A node that runs."""
    node = Node(directory)
    await node.run()
    try:
        yield node
    finally:
        await node.stop()
