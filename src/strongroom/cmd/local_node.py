"""This machine as a node of the API server in the same process."""

import asyncio
import importlib
import logging

from strongroom.aio.clock import Clock
from strongroom.aio.tasks import TaskGroup
from strongroom.cmd import pki
from strongroom.cmd.control_plane import ControlPlane
from strongroom.cmd.data_dir import DataDir
from strongroom.cmd.settings import Settings
from strongroom.node.settings import NodeSettings

_RUNNER = "strongroom.cmd.node_runner"

_log = logging.getLogger(__name__)


class LocalNode:
    """`start` once the API answers; `close` leaves containers running."""

    def __init__(self, settings: Settings, place: DataDir, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock
        self._tasks = TaskGroup("local-node", describe_errors=False)
        self._api = (settings.host, settings.port)
        self._settings = NodeSettings(
            node_name=settings.node_name,
            data_dir=place.node,
            run_dir=settings.run_dir,
            runtime_endpoint=settings.runtime_endpoint,
            registry_config_dir=settings.registry_config,
            pause_image=settings.pause_image,
            node_ip=settings.node_ip,
            image_credential_config=settings.images.credential_config,
            image_verification=settings.images.verification,
            pod_pids_limit=settings.pod_pids_limit,
        )

    def start(self) -> None:
        """Start in the background. Where there can be no node, one line in the log says why."""
        self._tasks.spawn("run", self._run())

    async def _run(self) -> None:
        # Loaded beside the API, which answers already: gRPC and aiohttp take half a second.
        node_runner = await asyncio.to_thread(importlib.import_module, _RUNNER)
        try:
            node_runner.check(self._settings)
            await node_runner.NodeRunner(
                self._settings,
                self._control_plane.client_for("node"),
                proxy=self._control_plane.client_for("proxy"),
                certificate_for=self._certificate_for,
                api=self._api,
                clock=self._clock,
            ).run()
        except node_runner.NodeError as error:
            _log.error("no node on this machine: %s", error)

    async def close(self) -> None:
        await self._tasks.aclose()

    def _certificate_for(self, names: list[str]) -> pki.ServingCertificate:
        return self._control_plane.authority.serving("node", names, self._clock.now())
