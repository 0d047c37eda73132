"""One node: its containerd, its endpoint for exec and logs, and the agent. It knows the API as a client."""

import asyncio
import logging
import os
from collections.abc import Callable

from strongroom.aio.clock import Clock
from strongroom.aio.tasks import TaskGroup
from strongroom.api import node_joining
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.rest import Client
from strongroom.cmd import pki
from strongroom.node import registration
from strongroom.node.agent import Agent
from strongroom.node.containerd import daemon, network, orphans, pause, tools
from strongroom.node.containerd.client import ContainerdClient
from strongroom.node.containerd.events import ContainerEvents
from strongroom.node.containerd.exec_sync import ContainerdExecSync
from strongroom.node.containerd.oom_kills import OOMKills
from strongroom.node.containerd.secret_env import SecretEnv
from strongroom.node.cri.client import CRIClient
from strongroom.node.routes import RouteKeeper
from strongroom.node.service_proxy import cluster_ips
from strongroom.node.settings import NodeSettings
from strongroom.node.streaming.authentication import ServerProofs
from strongroom.node.streaming.server import StreamingServer

_log = logging.getLogger(__name__)


class NodeError(Exception):
    """Why there is no node here, in one line."""


def check(settings: NodeSettings) -> None:
    """Raises NodeError when this machine lacks what a node needs."""
    if settings.owns_containerd and (missing := tools.requirements()):
        raise NodeError(missing)


class NodeRunner:
    """`run` until cancelled: containers and containerd go on running, and the next start adopts them.

    `proxy`: a client that may read Services, endpoints and Nodes. `certificate_for` makes what the endpoint
    shows, for the names it is reached by. `api` is where the API listens, for pods that ask for it.
    """

    def __init__(
        self,
        settings: NodeSettings,
        client: Client,
        *,
        proxy: Client,
        certificate_for: Callable[[list[str]], pki.ServingCertificate],
        api: tuple[str, int],
        clock: Clock,
        ready: Callable[[], None] | None = None,
    ) -> None:
        self._settings = settings
        self._ready = ready
        self._client = client
        self._proxy = proxy
        self._certificate_for = certificate_for
        self._api = api
        self._clock = clock
        self._daemon: daemon.Daemon | None = None

    async def run(self) -> None:
        """Raises NodeError when the node can't start."""
        try:
            await self._start_containerd()
            await self._serve()
        finally:
            if self._daemon is not None:
                self._daemon.detach()

    async def _start_containerd(self) -> None:
        if not self._settings.owns_containerd:
            return
        found = tools.look()
        if isinstance(found, tools.Missing):
            raise NodeError(str(found))
        place, seed = daemon.network_place(self._settings)
        wish = network.load_or_choose(place, seed).subnet
        subnet = await registration.pod_cidr(self._client, self._settings.node_name, wish)
        self._daemon = daemon.Daemon(self._settings, found, self._clock, network.of_node(place, seed, subnet))
        try:
            await self._daemon.start()
        except daemon.StartError as error:
            raise NodeError(str(error)) from error

    async def _serve(self) -> None:
        settings = self._settings
        address = settings.node_ip or network.host_address()
        cri = CRIClient(settings.endpoint)
        containerd = ContainerdClient(settings.endpoint)
        exec_sync = ContainerdExecSync(containerd, settings.streams_dir)
        recorder = EventRecorder(self._client, "kubelet", settings.node_name, self._clock)
        certificate = self._certificate_for([address, settings.node_name])
        agent: Agent | None = None
        streaming = StreamingServer(
            settings,
            cri,
            containerd,
            lambda namespace, name: agent.pod(namespace, name) if agent else None,
            address=settings.streaming_address or address,
            authenticate=ServerProofs(self._client, settings.node_name, self._clock),
            ssl_context=certificate.context(),
            clock=self._clock,
        )
        async with TaskGroup("node-runner", describe_errors=False) as group:
            try:
                if self._daemon is not None:
                    left = await asyncio.to_thread(lambda: set(orphans.shims(settings)))
                    group.spawn("orphans", orphans.sweep(settings, cri, left))
                    group.spawn(
                        "containerd",
                        self._daemon.supervise(
                            lambda left: group.spawn("orphans", orphans.sweep(settings, cri, left))
                        ),
                    )
                group.spawn("events", recorder.run())
                # Before the node says that it is ready: a sandbox without its image fails and is put off.
                await self._have_pause_image(containerd, cri)
                await exec_sync.clean_up()
                await _listen(streaming, settings, address)
                agent = Agent(
                    self._client,
                    cri,
                    settings,
                    ContainerEvents(settings.endpoint),
                    recorder,
                    self._clock,
                    node_ip=address,
                    streaming_port=streaming.port,
                    annotations=self._annotations(certificate),
                    exec_sync=exec_sync,
                    secret_env=SecretEnv(settings.secret_env_dir) if settings.owns_containerd else None,
                    oom_kills=OOMKills(settings.oom_kills_dir) if settings.owns_containerd else None,
                )
                group.spawn("announce", self._announce(agent))
                group.spawn("routes", RouteKeeper(self._proxy, settings.node_name).run())
                group.spawn("cluster-ips", self._serve_cluster_ips(agent, address))
                await agent.run()
            finally:
                await streaming.close()
                await exec_sync.aclose()
                await cri.close()
                await containerd.close()

    def _annotations(self, certificate: pki.ServingCertificate) -> dict[str, str]:
        """What the Node tells others. Made anew, it is to get the subnet that its Pods are in."""
        told = {node_joining.CERTIFICATE_ANNOTATION: certificate.sha256}
        if self._daemon is not None:
            told[node_joining.POD_NETWORK_ANNOTATION] = str(self._daemon.network.subnet)
        return told

    async def _have_pause_image(self, containerd: ContainerdClient, cri: CRIClient) -> None:
        if self._daemon is None:
            return
        try:
            await pause.ensure(
                containerd,
                cri,
                self._settings.pause_image,
                clock=self._clock,
                timeout=self._settings.image_pull_timeout,
            )
        except pause.PauseImageError as error:
            _log.error("no Pod can start: %s", error)

    async def _serve_cluster_ips(self, agent: Agent, address: str) -> None:
        network = self._daemon.network if self._daemon is not None else None
        try:
            await cluster_ips.serve(self._proxy, agent.services, network, api=self._api, node_ip=address)
        except OSError as error:
            _log.error("cluster IPs of Services can't be reached: %s", error)

    async def _announce(self, agent: Agent) -> None:
        await agent.ready.wait()
        _log.info("node %s is ready", self._settings.node_name)
        if self._ready is not None:
            self._ready()


async def _listen(streaming: StreamingServer, settings: NodeSettings, address: str) -> None:
    try:
        await streaming.start()
    except OSError as error:
        where = f"{settings.streaming_address or address}:{settings.streaming_port}"
        raise NodeError(f"can't listen on {where}: {os.strerror(error.errno or 0)}") from error
