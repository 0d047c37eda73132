"""What the agent asks of a container runtime: promises only.

Messages are those of `proto/cri/api.proto`. Every call may be made concurrently with others, except that two
calls about one container or sandbox come one after the other. Each raises `errors.CRIError`:
`NotFoundError` where a named sandbox or container does not exist, `UnavailableError` if the runtime is away.
Durations are seconds.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from strongroom.node.cri import _generated_cri_pb2 as pb


class Runtime(Protocol):
    """Sandboxes and containers (`RuntimeService`)."""

    async def version(self) -> pb.VersionResponse: ...

    async def status(self) -> Sequence[pb.RuntimeCondition]:
        """Conditions of the runtime: `RuntimeReady`, `NetworkReady`."""
        ...

    async def run_pod_sandbox(self, config: pb.PodSandboxConfig) -> str:
        """Create and start a sandbox with its network; its id. Nothing remains of one that failed."""
        ...

    async def stop_pod_sandbox(self, sandbox_id: str) -> None:
        """Kill what runs in it and give back its network. May be repeated."""
        ...

    async def remove_pod_sandbox(self, sandbox_id: str) -> None:
        """Remove it with its containers. One that is not there is success."""
        ...

    async def pod_sandbox_status(self, sandbox_id: str) -> pb.PodSandboxStatus: ...

    async def list_pod_sandboxes(self, labels: Mapping[str, str]) -> Sequence[pb.PodSandbox]:
        """Sandboxes that carry all `labels`, in any order."""
        ...

    async def create_container(
        self, sandbox_id: str, config: pb.ContainerConfig, sandbox_config: pb.PodSandboxConfig
    ) -> str:
        """Create a container; its id. It does not run until `start_container`."""
        ...

    async def start_container(self, container_id: str) -> None: ...

    async def stop_container(self, container_id: str, timeout: int) -> None:
        """Signal, wait up to `timeout`, kill; returns when it has ended. May be repeated."""
        ...

    async def remove_container(self, container_id: str) -> None:
        """Remove a container, killing it if it runs. One that is not there is success."""
        ...

    async def container_status(self, container_id: str) -> pb.ContainerStatus: ...

    async def list_containers(self, labels: Mapping[str, str]) -> Sequence[pb.Container]:
        """Containers that carry all `labels`, in any state and order."""
        ...

    async def list_container_stats(self, labels: Mapping[str, str]) -> Sequence[pb.ContainerStats]:
        """What containers that carry all `labels` use, as last measured by the runtime."""
        ...

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: int) -> pb.ExecSyncResponse:
        """Run a command to its end. `DeadlineExceeded` after `timeout` (0: none)."""
        ...

    async def update_container_resources(
        self, container_id: str, resources: pb.LinuxContainerResources
    ) -> None:
        """Give a container other amounts of CPU and memory; it runs on."""
        ...

    async def reopen_container_log(self, container_id: str) -> None: ...


class Images(Protocol):
    """Images (`ImageService`)."""

    async def image_status(self, image: str) -> pb.Image | None:
        """The image by reference or id; None if it is not there."""
        ...

    async def list_images(self) -> Sequence[pb.Image]: ...

    async def pull_image(
        self, image: str, auth: pb.AuthConfig | None, sandbox_config: pb.PodSandboxConfig | None
    ) -> str:
        """Pull; the id of what was pulled. Takes as long as the registry takes; may be cancelled."""
        ...

    async def remove_image(self, image: str) -> None: ...


class CRI(Runtime, Images, Protocol):
    """The whole interface, as one endpoint offers it."""
