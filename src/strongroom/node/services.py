"""What all workers of a node share."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError
from strongroom.node import env, env_file
from strongroom.node.back_off import BackOffs
from strongroom.node.containerd.oom_kills import OOMKills
from strongroom.node.containerd.secret_env import SecretEnv
from strongroom.node.cri.protocol import CRI
from strongroom.node.delivery.reporter import Reporter
from strongroom.node.events import Recorder
from strongroom.node.exec_sync import ExecSync
from strongroom.node.images.puller import Puller
from strongroom.node.machine import Machine
from strongroom.node.object_cache import ObjectCache
from strongroom.node.probes.manager import Probes
from strongroom.node.runtime import observed
from strongroom.node.runtime.pod_cgroup import PodCgroups
from strongroom.node.status_manager import StatusManager
from strongroom.node.volumes.manager import VolumeManager


@dataclass(slots=True)
class Services:
    """The node's parts, as one worker needs them."""

    client: Client
    cri: CRI
    recorder: Recorder
    clock: Clock
    objects: ObjectCache
    volumes: VolumeManager
    puller: Puller
    statuses: StatusManager
    deliveries: Reporter
    probes: Probes
    machine: Machine
    node_name: str
    logs_dir: Path
    seccomp_dir: Path
    """Profiles that pods name as `localhostProfile`."""
    exec_sync: ExecSync
    """Runs the commands of hooks."""
    service_variables: Callable[[Object], Mapping[str, str]] = lambda _: {}
    """The variables of Services for a pod."""
    secret_env: SecretEnv | None = None
    """Keeps values of Secrets out of what the runtime stores; None: the runtime is not ours."""
    oom_kills: OOMKills | None = None
    """Knows which containers had no memory left; None: the runtime is not ours, and says what it knows."""
    cgroups: PodCgroups | None = None
    """Keeps each pod's processes within limits; None: the runtime is not ours."""
    crash_back_offs: BackOffs = field(init=False)

    def __post_init__(self) -> None:
        self.crash_back_offs = BackOffs(self.clock)

    async def pod_facts(self, pod: Object, container: Object, pod_ips: tuple[str, ...]) -> env.PodFacts:
        """What the environment of one of the pod's containers may ask for beside the pod's object."""

        def volume(name: str) -> Path:
            return self.volumes.path(pod, {"name": name, "emptyDir": {}})

        host_network = bool((pod.get("spec") or {}).get("hostNetwork"))
        wanted = env_file.references(container)
        return env.PodFacts(
            node_name=self.node_name,
            host_ips=self.machine.ips,
            pod_ips=self.machine.ips if host_network else pod_ips,
            allocatable=self.machine.capacity(),
            service_variables=self.service_variables(pod),
            # In a thread: what a container wrote may be long.
            files=await asyncio.to_thread(env_file.find, wanted, volume) if wanted else {},
        )

    async def observe(self, uid: str) -> observed.PodRuntime:
        """Read all of one pod from the runtime."""
        found = await observed.observe(self.cri, uid)
        return found if self.oom_kills is None else observed.with_oom_kills(found, self.oom_kills.happened)

    async def own_node(self) -> Object | None:
        """The object of this node, as the API has it now; None while it cannot be read."""
        try:
            return await self.client.get(resources.NODES, self.node_name)
        except (StatusError, ConnectionFailed):
            return None

    def forget_env(self, container_id: str) -> None:
        """The container has ended, and with it the need for its environment."""
        if self.secret_env is not None:
            self.secret_env.remove(container_id)

    def now(self) -> datetime:
        return self.clock.now()
