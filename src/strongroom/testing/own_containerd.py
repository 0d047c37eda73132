"""A containerd of a test's own, with an image that has a shell, and pods without any Kubernetes."""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from strongroom.aio.clock import SystemClock
from strongroom.node.containerd import client as clients
from strongroom.node.containerd import daemon, leftovers, pause, tools
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri import client as cri_clients
from strongroom.node.cri.errors import CRIError
from strongroom.node.settings import NodeSettings
from strongroom.testing import images

SHELL = "test.local/shell:1"


class OwnContainerd:
    """Async context manager: a running containerd with its clients. Leaving it removes every trace."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        # A test's own directory has too long a name for sockets.
        self._run_dir = Path(tempfile.mkdtemp(prefix="sr-", dir="/tmp"))
        self.settings = NodeSettings(node_name="n1", data_dir=directory / "data", run_dir=self._run_dir)
        self.clock = SystemClock()
        self.daemon = self.make_daemon()
        self.client = clients.ContainerdClient(self.settings.endpoint)
        self.cri = cri_clients.CRIClient(self.settings.endpoint)

    def make_daemon(self) -> daemon.Daemon:
        """One more manager of the same containerd, as the next start of the program would have it."""
        found = tools.look()
        assert isinstance(found, tools.Tools), found
        return daemon.Daemon(self.settings, found, self.clock)

    async def __aenter__(self) -> Self:
        await self.daemon.start()
        await pause.ensure(self.client, self.cri, self.settings.pause_image, clock=self.clock, timeout=5)
        await self.put_image(SHELL, images.shell())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for sandbox in await self.cri.list_pod_sandboxes({}):
                await self._remove(sandbox.id)
        finally:
            await self.client.close()
            await self.cri.close()
            await self.daemon.stop()
            await asyncio.to_thread(leftovers.remove, self.settings)
            for directory in (self._directory, self._run_dir):
                await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)

    async def _remove(self, sandbox_id: str) -> None:
        try:
            await self.cri.stop_pod_sandbox(sandbox_id)
        except CRIError:  # a container ended by itself just then, and its shim with it
            await self.cri.stop_pod_sandbox(sandbox_id)
        await self.cri.remove_pod_sandbox(sandbox_id)

    async def put_image(self, name: str, image: images.Image) -> None:
        """Have an image without a registry."""
        parts = pause.Image(
            pause.Blob(pause.MANIFEST_TYPE, image.manifest),
            pause.Blob(pause.CONFIG_TYPE, image.config),
            [pause.Blob(pause.LAYER_TYPE, layer) for layer in image.layers],
        )
        await pause.import_image(self.client, name, parts, self.clock)
        async with asyncio.timeout(20):  # the CRI plugin hears of images that it did not pull by an event
            while await self.cri.image_status(name) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def pod(self, name: str, containers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Start a pod of namespace `default`; the ids of its containers by name.

        Each container is told by fields of CRI's ContainerConfig, such as `command`; its image is a shell's
        unless they name another.
        """
        labels = {
            "io.kubernetes.pod.name": name,
            "io.kubernetes.pod.namespace": "default",
            "io.kubernetes.pod.uid": f"uid-{name}",
        }
        logs = self.settings.logs_dir / f"default_{name}_uid-{name}"
        sandbox = pb.PodSandboxConfig(
            metadata=pb.PodSandboxMetadata(name=name, uid=f"uid-{name}", namespace="default"),
            hostname=name,
            log_directory=str(logs),
            labels=labels,
        )
        sandbox_id = await self.cri.run_pod_sandbox(sandbox)
        ids = {}
        for container, fields in containers.items():
            (logs / container).mkdir(parents=True)
            config = pb.ContainerConfig(
                metadata=pb.ContainerMetadata(name=container),
                log_path=f"{container}/0.log",
                labels={**labels, "io.kubernetes.container.name": container},
                **{"image": pb.ImageSpec(image=SHELL), **fields},
            )
            ids[container] = await self.cri.create_container(sandbox_id, config, sandbox)
            await self.cri.start_container(ids[container])
        return ids
