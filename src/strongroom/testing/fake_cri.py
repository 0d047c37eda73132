"""A container runtime in memory: for tests of the node agent without containerd, images or root.

It keeps what the agent relies on: names reserved by attempt, states and their order, labels, sandboxes that
take their containers with them, images that are there or can be pulled. Containers do nothing; tests end
them.
"""

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri.errors import CRIError, NotFoundError

_SECOND = 1_000_000_000
_START = 1_767_323_045 * _SECOND


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a container; has the fields of `node.containerd.events.ContainerEvent`."""

    kind: str
    container_id: str = ""
    exec_id: str = ""


@dataclass(slots=True)
class _Container:
    status: pb.ContainerStatus
    sandbox_id: str
    config: pb.ContainerConfig


@dataclass(slots=True)
class _Sandbox:
    status: pb.PodSandboxStatus
    config: pb.PodSandboxConfig
    stopped: bool = False


@dataclass(slots=True)
class _Pull:
    image: pb.Image
    credentials: tuple[str, str] | None = None


@dataclass(slots=True)
class FakeCRI:
    """Fulfils `node.cri.protocol.CRI`, and is a source of events.

    `fail` is called with the name of each call, such as `create_container`, and the container's or image's
    name; what it raises is what the call raises. `gate`, when set, holds calls of that name until released.
    """

    calls: list[tuple[str, str]] = field(default_factory=list)
    fail: Callable[[str, str], None] | None = None
    ready: bool = True
    _sandboxes: dict[str, _Sandbox] = field(default_factory=dict)
    _containers: dict[str, _Container] = field(default_factory=dict)
    _images: dict[str, pb.Image] = field(default_factory=dict)
    _registry: dict[str, _Pull] = field(default_factory=dict)
    _gates: dict[str, asyncio.Event] = field(default_factory=dict)
    _events: "list[asyncio.Queue[Event]]" = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _time: int = _START
    resized: dict[str, pb.LinuxContainerResources] = field(default_factory=dict)
    """By container id: what was given to it while it ran."""
    exec_exit_code: int = 0
    exec_output: bytes = b""
    stop_exit_code: int = 143
    stop_timeouts: list[int] = field(default_factory=list)

    written: dict[str, int] = field(default_factory=dict)
    """By container name, or `name/attempt` for one run of it: bytes written into its own layer."""
    layers_dir: str = ""
    """Where the layers are."""

    # What tests do to it

    def add_image(self, name: str, *, user: str = "", uid: int | None = None) -> None:
        """An image that is on the machine."""
        self._images[name] = _image(name, user, uid)

    def publish(self, name: str, credentials: tuple[str, str] | None = None) -> None:
        """An image that can be pulled, by those with `credentials` if they are given."""
        self._registry[name] = _Pull(_image(name, "", None), credentials)

    def hold(self, call: str) -> asyncio.Event:
        """Let calls of that name wait until the event is set."""
        return self._gates.setdefault(call, asyncio.Event())

    def end(self, name: str, exit_code: int = 0, *, reason: str = "") -> None:
        """The running container called `name` ends by itself."""
        container = self.running(name)
        assert container is not None
        self._exit(container, exit_code, reason)

    def tell_out_of_memory(self, name: str, attempt: int = 0) -> None:
        """The runtime learns why a container called `name` has ended."""
        key = (name, attempt)
        found = (item.status for item in self._containers.values())
        (status,) = (item for item in found if (item.metadata.name, item.metadata.attempt) == key)
        status.reason = "OOMKilled"
        self._emit("oom", status.id)

    def lose_sandbox(self) -> None:
        """All sandboxes die, and what runs in them."""
        for sandbox in self._sandboxes.values():
            self._stop_sandbox(sandbox)

    def running(self, name: str) -> "pb.ContainerStatus | None":
        """The running container called `name`."""
        for container in self._containers.values():
            if container.status.metadata.name == name and container.status.state == pb.CONTAINER_RUNNING:
                return container.status
        return None

    def config(self, name: str) -> pb.ContainerConfig:
        """The configuration of the newest container called `name`."""
        found = [item.config for item in self._containers.values() if item.config.metadata.name == name]
        return found[-1]

    @property
    def container_names(self) -> list[str]:
        """`name/attempt state` of each container there is, oldest first."""
        return [
            f"{item.config.metadata.name}/{item.config.metadata.attempt}"
            f" {pb.ContainerState.Name(item.status.state).removeprefix('CONTAINER_').lower()}"
            for item in self._containers.values()
        ]

    @property
    def sandbox_count(self) -> int:
        return len(self._sandboxes)

    async def __aiter__(self) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._events.append(queue)
        queue.put_nowait(Event("resync"))
        while True:
            yield await queue.get()

    # RuntimeService

    async def version(self) -> pb.VersionResponse:
        await self._called("version", "")
        return pb.VersionResponse(runtime_name="fake", runtime_version="1.0")

    async def status(self) -> Sequence[pb.RuntimeCondition]:
        await self._called("status", "")
        return [
            pb.RuntimeCondition(type=kind, status=self.ready) for kind in ("RuntimeReady", "NetworkReady")
        ]

    async def run_pod_sandbox(self, config: pb.PodSandboxConfig) -> str:
        await self._called("run_pod_sandbox", config.metadata.name)
        key = (config.metadata.uid, config.metadata.attempt)
        if any((s.config.metadata.uid, s.config.metadata.attempt) == key for s in self._sandboxes.values()):
            raise CRIError("Unknown", "failed to reserve sandbox name: name is reserved")
        number = next(self._numbers)
        status = pb.PodSandboxStatus(
            id=f"sandbox-{number}",
            metadata=config.metadata,
            created_at=self._tick(),
            labels=config.labels,
            annotations=config.annotations,
        )
        status.network.ip = f"10.0.0.{number}"
        self._sandboxes[status.id] = _Sandbox(status, config)
        return status.id

    async def stop_pod_sandbox(self, sandbox_id: str) -> None:
        await self._called("stop_pod_sandbox", sandbox_id)
        if (sandbox := self._sandboxes.get(sandbox_id)) is not None:
            self._stop_sandbox(sandbox)

    async def remove_pod_sandbox(self, sandbox_id: str) -> None:
        await self._called("remove_pod_sandbox", sandbox_id)
        sandbox = self._sandboxes.pop(sandbox_id, None)
        if sandbox is not None and not sandbox.stopped:
            self._stop_sandbox(sandbox)
        for container_id in [key for key, item in self._containers.items() if item.sandbox_id == sandbox_id]:
            del self._containers[container_id]

    async def pod_sandbox_status(self, sandbox_id: str) -> pb.PodSandboxStatus:
        await self._called("pod_sandbox_status", sandbox_id)
        if sandbox_id not in self._sandboxes:
            raise NotFoundError(f"sandbox {sandbox_id!r}: not found")
        return copy.deepcopy(self._sandboxes[sandbox_id].status)

    async def list_pod_sandboxes(self, labels: Mapping[str, str]) -> Sequence[pb.PodSandbox]:
        await self._called("list_pod_sandboxes", "")
        return [
            pb.PodSandbox(
                id=item.status.id,
                metadata=item.status.metadata,
                state=item.status.state,
                created_at=item.status.created_at,
                labels=item.status.labels,
                annotations=item.status.annotations,
            )
            for item in self._sandboxes.values()
            if _has(item.status.labels, labels)
        ]

    async def create_container(
        self, sandbox_id: str, config: pb.ContainerConfig, sandbox_config: pb.PodSandboxConfig
    ) -> str:
        name = config.metadata.name
        await self._called("create_container", name)
        sandbox = self._sandboxes.get(sandbox_id)
        if sandbox is None or sandbox.stopped:
            raise NotFoundError(f"sandbox {sandbox_id!r}: not found")
        for other in self._containers.values():
            same = other.config.metadata == config.metadata
            if same and other.config.labels["io.kubernetes.pod.uid"] == sandbox_config.metadata.uid:
                raise CRIError("Unknown", f'failed to reserve container name "{name}": name is reserved')
        status = pb.ContainerStatus(
            id=f"container-{next(self._numbers)}",
            metadata=config.metadata,
            state=pb.CONTAINER_CREATED,
            created_at=self._tick(),
            image=pb.ImageSpec(image=config.image.image.removeprefix("id:")),
            image_ref=f"sha256:{config.image.image.removeprefix('id:')}",
            labels=config.labels,
            annotations=config.annotations,
            mounts=config.mounts,
            log_path=f"{sandbox_config.log_directory}/{config.log_path}",
        )
        self._containers[status.id] = _Container(status, sandbox_id, config)
        return status.id

    async def start_container(self, container_id: str) -> None:
        container = self._container(container_id)
        await self._called("start_container", container.status.metadata.name)
        if container.status.state != pb.CONTAINER_CREATED:
            raise CRIError("Unknown", f"container {container_id!r} is not in created state")
        container.status.state = pb.CONTAINER_RUNNING
        container.status.started_at = self._tick()
        self._emit("start", container_id)

    async def stop_container(self, container_id: str, timeout: int) -> None:
        await self._called("stop_container", self._container(container_id).status.metadata.name)
        container = self._containers.get(container_id)
        if container is not None and container.status.state == pb.CONTAINER_RUNNING:
            self.stop_timeouts.append(timeout)
            self._exit(container.status, self.stop_exit_code, "")

    async def remove_container(self, container_id: str) -> None:
        await self._called("remove_container", container_id)
        self._containers.pop(container_id, None)

    async def container_status(self, container_id: str) -> pb.ContainerStatus:
        await self._called("container_status", container_id)
        return copy.deepcopy(self._container(container_id).status)

    async def list_containers(self, labels: Mapping[str, str]) -> Sequence[pb.Container]:
        await self._called("list_containers", "")
        return [
            pb.Container(
                id=item.status.id,
                pod_sandbox_id=item.sandbox_id,
                metadata=item.status.metadata,
                image=item.status.image,
                image_ref=item.status.image_ref,
                state=item.status.state,
                created_at=item.status.created_at,
                labels=item.status.labels,
                annotations=item.status.annotations,
            )
            for item in self._containers.values()
            if _has(item.status.labels, labels)
        ]

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: int) -> pb.ExecSyncResponse:
        await self._called("exec_sync", " ".join(command))
        return pb.ExecSyncResponse(exit_code=self.exec_exit_code, stdout=self.exec_output)

    async def list_container_stats(self, labels: Mapping[str, str]) -> Sequence[pb.ContainerStats]:
        await self._called("list_container_stats", "")
        found = [item.status for item in self._containers.values() if _has(item.status.labels, labels)]
        return [
            pb.ContainerStats(
                attributes=pb.ContainerAttributes(id=each.id, metadata=each.metadata, labels=each.labels),
                writable_layer=pb.FilesystemUsage(
                    fs_id=pb.FilesystemIdentifier(mountpoint=self.layers_dir),
                    used_bytes=pb.UInt64Value(value=self._written_by(each.metadata)),
                ),
            )
            for each in found
        ]

    def _written_by(self, run: pb.ContainerMetadata) -> int:
        return self.written.get(f"{run.name}/{run.attempt}", self.written.get(run.name, 0))

    async def update_container_resources(
        self, container_id: str, resources: pb.LinuxContainerResources
    ) -> None:
        await self._called("update_container_resources", container_id)
        self.resized[container_id] = resources

    async def reopen_container_log(self, container_id: str) -> None:
        await self._called("reopen_container_log", container_id)

    # ImageService

    async def image_status(self, image: str) -> pb.Image | None:
        await self._called("image_status", image)
        return self._images.get(image.removeprefix("id:"))

    async def list_images(self) -> Sequence[pb.Image]:
        await self._called("list_images", "")
        return list(self._images.values())

    async def pull_image(
        self, image: str, auth: pb.AuthConfig | None, sandbox_config: pb.PodSandboxConfig | None
    ) -> str:
        await self._called("pull_image", image)
        found = self._registry.get(image)
        if found is None:
            raise NotFoundError(f'failed to pull and unpack image "{image}": not found')
        given = (auth.username, auth.password) if auth is not None else None
        if found.credentials is not None and given != found.credentials:
            raise CRIError("Unknown", f'failed to pull and unpack image "{image}": pull access denied')
        self._images[image] = found.image
        return found.image.id

    async def remove_image(self, image: str) -> None:
        await self._called("remove_image", image)
        self._images.pop(image.removeprefix("id:"), None)

    # Inside

    async def _called(self, call: str, name: str) -> None:
        self.calls.append((call, name))
        if (gate := self._gates.get(call)) is not None:
            await gate.wait()
        if self.fail is not None:
            self.fail(call, name)

    def _container(self, container_id: str) -> _Container:
        if container_id not in self._containers:
            raise NotFoundError(f"container {container_id!r}: not found")
        return self._containers[container_id]

    def _tick(self) -> int:
        self._time += _SECOND
        return self._time

    def _exit(self, status: pb.ContainerStatus, code: int, reason: str) -> None:
        status.state = pb.CONTAINER_EXITED
        status.exit_code = code
        status.reason = reason or ("Error" if code else "Completed")
        status.finished_at = self._tick()
        self._emit("exit", status.id)

    def _stop_sandbox(self, sandbox: _Sandbox) -> None:
        sandbox.stopped = True
        sandbox.status.state = pb.SANDBOX_NOTREADY
        for container in self._containers.values():
            inside = container.sandbox_id == sandbox.status.id
            if inside and container.status.state == pb.CONTAINER_RUNNING:
                self._exit(container.status, 137, "Error")
        self._emit("exit", sandbox.status.id)

    def _emit(self, kind: str, container_id: str) -> None:
        for queue in self._events:
            queue.put_nowait(Event(kind, container_id))


def _image(name: str, user: str, uid: int | None) -> pb.Image:
    image = pb.Image(id=f"id:{name}", repo_tags=[name], size=1000, username=user)
    if uid is not None:
        image.uid.value = uid
    return image


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())
