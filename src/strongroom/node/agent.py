"""The agent of one machine: registers the node, and runs the pods that are bound to it.

What happens reaches it as events: pods of this node (a watch by `spec.nodeName`), the Secrets and ConfigMaps
they use (a watch each), containers (the runtime's events). A slow look at everything is there for what no
event told. It speaks to the API as any client does.
"""

import asyncio
import logging
import os
from collections.abc import Mapping

from strongroom.aio.clock import Clock
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.machinery.gvk import Object
from strongroom.node import events, pod_lifecycle_events, pod_logs, service_variables
from strongroom.node import machine as machines
from strongroom.node.containerd.oom_kills import OOMKills
from strongroom.node.containerd.secret_env import SecretEnv
from strongroom.node.cri.errors import CRIError
from strongroom.node.cri.protocol import CRI
from strongroom.node.delivery.reporter import Reporter
from strongroom.node.disk_usage import DiskUsage
from strongroom.node.events import Recorder
from strongroom.node.exec_sync import ExecSync, RuntimeExecSync
from strongroom.node.images import node_credentials
from strongroom.node.images.garbage_collection import ImageCollector
from strongroom.node.images.pull_records import PullRecords
from strongroom.node.images.puller import Puller
from strongroom.node.log_rotation import LogRotation
from strongroom.node.node_status import NodeStatus
from strongroom.node.object_cache import ObjectCache, Reference
from strongroom.node.pod_lifecycle_events import EventSource
from strongroom.node.pod_workers import PodWorkers
from strongroom.node.probes.manager import Probes
from strongroom.node.probes.prober import Prober
from strongroom.node.redaction import values_of
from strongroom.node.runtime import observed
from strongroom.node.runtime.pod_cgroup import PodCgroups
from strongroom.node.scratch_limits import ScratchLimits
from strongroom.node.services import Services
from strongroom.node.settings import NodeSettings
from strongroom.node.status_manager import StatusManager
from strongroom.node.volumes.manager import VolumeManager

_RESYNC = 60.0
NO_ANNOTATIONS: Mapping[str, str] = {}
_log = logging.getLogger(__name__)


class Agent:
    """`run` until cancelled; containers go on running, and the next agent adopts them.

    `streaming_port` is where exec, attach and logs are served; the Node object tells it, and has
    `annotations`. `exec_sync` runs the commands of probes and hooks; None: the runtime does it by itself.
    `secret_env` keeps values in the environment from being stored by a runtime of our own, `oom_kills` knows
    more of its containers' ends than it tells.
    """

    def __init__(
        self,
        client: Client,
        cri: CRI,
        settings: NodeSettings,
        event_source: EventSource,
        recorder: Recorder,
        clock: Clock,
        *,
        node_ip: str = "",
        streaming_port: int = 0,
        annotations: Mapping[str, str] = NO_ANNOTATIONS,
        exec_sync: ExecSync | None = None,
        secret_env: SecretEnv | None = None,
        oom_kills: OOMKills | None = None,
    ) -> None:
        self._client = client
        self._cri = cri
        self._clock = clock
        self._event_source = event_source
        self._heartbeat_seconds = settings.heartbeat
        ip = node_ip or settings.node_ip
        machine = machines.inspect(settings.data_dir, (ip,) if ip else ())
        self._tasks = TaskGroup("node")
        self.services = Informer(client, resources.SERVICES)
        """All Services; complete before any container starts."""
        objects = ObjectCache(client, self._object_changed)
        runner = exec_sync or RuntimeExecSync(cri)
        prober = Prober(runner, recorder, lambda pod: values_of(pod, objects))
        self._services = Services(
            client=client,
            cri=cri,
            recorder=recorder,
            clock=clock,
            objects=objects,
            volumes=VolumeManager(settings.pods_dir, objects, clock, allocatable=machine.capacity()),
            puller=_puller(cri, recorder, clock, settings),
            statuses=StatusManager(client, self._tasks),
            deliveries=Reporter(client, self._tasks, clock, settings.node_name),
            probes=Probes(prober, clock, self._probes_changed),
            machine=machine,
            node_name=settings.node_name,
            logs_dir=settings.logs_dir,
            seccomp_dir=settings.seccomp_dir,
            exec_sync=runner,
            secret_env=secret_env,
            oom_kills=oom_kills,
            cgroups=PodCgroups(settings.pod_pids_limit) if settings.owns_containerd else None,
            service_variables=lambda pod: service_variables.variables(pod, self.services.values()),
        )
        self._workers = PodWorkers(self._services)
        self._images = ImageCollector(
            cri, clock, settings.containerd_root, settings.pause_image, self._images_stay
        )
        volumes = self._services.volumes
        self._scratch_limits = ScratchLimits(
            self._workers, volumes, DiskUsage(cri, volumes, settings.logs_dir)
        )
        self._owns_containerd = settings.owns_containerd
        self._status = NodeStatus(
            client,
            cri,
            recorder,
            clock,
            machine,
            node_name=settings.node_name,
            streaming_port=streaming_port,
            annotations=annotations,
        )
        self._pods = Informer(client, resources.PODS, field_selector=f"spec.nodeName={settings.node_name}")
        self.ready = asyncio.Event()
        """Set once the API has been told that the node is ready."""

    def pod(self, namespace: str, name: str) -> Object | None:
        """The pod of that name, if it is bound to this node."""
        return self._pods.get(namespace, name)

    async def run(self) -> None:
        """Register, adopt what runs, and go on until cancelled."""
        try:
            self._tasks.spawn("heartbeat", self._heartbeat())
            self._tasks.spawn("probes", self._services.probes.run())
            self._tasks.spawn("logs", LogRotation(self._cri, self._clock, self._workers.running).run())
            self._tasks.spawn("scratch-limits", self._scratch_limits.run())
            if self._owns_containerd:
                self._tasks.spawn("images", self._images.run())
            self._pods.subscribe(self._workers.pod_changed)
            self._tasks.spawn("services", self.services.run())
            await self.services.has_synced.wait()
            self._tasks.spawn("pods", self._pods.run())
            await self._pods.has_synced.wait()
            follow = pod_lifecycle_events.follow(self._event_source, self._workers)
            self._tasks.spawn("runtime-events", follow)
            await self._resync()
        finally:
            await self._workers.aclose()
            await self._services.objects.aclose()
            await self._tasks.aclose()

    def _object_changed(self, uid: str, reference: Reference | None) -> None:
        self._workers.object_changed(uid, reference)

    def _images_stay(self, text: str) -> None:
        self._status.tell(events.WARNING, "FreeDiskSpaceFailed", text)

    def _probes_changed(self, uid: str) -> None:
        self._workers.probes_changed(uid)

    async def _heartbeat(self) -> None:
        while True:
            await self._status.beat()
            if self._status.ready:
                self.ready.set()
            # Until the node is ready it looks more often: the runtime may be starting too.
            await asyncio.sleep(self._heartbeat_seconds if self._status.ready else 0.2)

    async def _resync(self) -> None:
        """Clean up after pods that were deleted while nobody looked; then look again now and then."""
        while True:
            try:
                await self._clean_up()
            except CRIError as error:
                _log.warning("container runtime: %s", error)
                await asyncio.sleep(1.0)
                continue
            await self._workers.look_again(_RESYNC)

    async def _clean_up(self) -> None:
        """Pods that the runtime or the disk knows, and the API does not; values for containers that ended,
        and notes on those that are gone."""
        secret_env, oom_kills = self._services.secret_env, self._services.oom_kills
        logs = pod_logs.directories(self._services.logs_dir)
        # Before the look at the runtime: whoever has values or a note was created before them.
        with_values = secret_env.containers() if secret_env is not None else []
        noted = oom_kills.containers() if oom_kills is not None else []
        there = await observed.survey(self._cri)
        if oom_kills is not None:
            oom_kills.keep_only(there.containers, noted)
        if secret_env is not None:
            secret_env.keep_only(there.alive, with_values)
        found = there.pods | set(self._services.volumes.pods_on_disk())
        bound = {pod["metadata"]["uid"] for pod in self._pods.values()}
        known = bound | self._workers.known()
        self._workers.clean_up(sorted(found - known))
        # Of a pod whose removal was cut short its logs alone may be left, or nothing that tells its name.
        nameless = [logs[uid] for uid in logs.keys() - known - there.pods]
        await asyncio.to_thread(pod_logs.remove, nameless)


def _puller(cri: CRI, recorder: Recorder, clock: Clock, settings: NodeSettings) -> Puller:
    records = PullRecords(settings.image_records_dir, clock, settings.image_verification)
    places = node_credentials.places(settings.image_credential_config, settings.data_dir, os.environ)
    return Puller(cri, recorder, clock, records, node_credentials.NodeCredentials(places).keyring)
