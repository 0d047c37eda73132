"""Finding a pod's containers at the runtime, by the labels that the agent gives them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.streaming.log_target import NoLogError

POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
CONTAINER_NAME = "io.kubernetes.container.name"


class Runtime(Protocol):
    """The part of the CRI client that streaming needs."""

    async def list_containers(self, labels: Mapping[str, str]) -> Sequence[pb.Container]: ...

    async def container_status(self, container_id: str) -> pb.ContainerStatus: ...

    async def attach(
        self, container_id: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool
    ) -> str: ...

    async def list_pod_sandboxes(self, labels: Mapping[str, str]) -> Sequence[pb.PodSandbox]: ...

    async def port_forward(self, sandbox_id: str, ports: Sequence[int]) -> str: ...


class PodLookup(Protocol):
    """What the agent knows of the pods of its node."""

    def __call__(self, namespace: str, name: str) -> Mapping[str, object] | None:
        """The Pod with its status as the agent last saw it; None if the node has no such pod."""
        ...


async def running(runtime: Runtime, namespace: str, pod: str, container: str) -> str | None:
    """Id of the container of this name that runs now."""
    found = [
        one
        for one in await _all(runtime, namespace, pod, container)
        if one.state == pb.ContainerState.CONTAINER_RUNNING
    ]
    return found[0].id if found else None


async def ready_sandbox(runtime: Runtime, namespace: str, pod: str) -> str | None:
    """Id of the sandbox that holds the network of a pod now."""
    found = await runtime.list_pod_sandboxes({POD_NAMESPACE: namespace, POD_NAME: pod})
    ready = [one for one in found if one.state == pb.PodSandboxState.SANDBOX_READY]
    return max(ready, key=lambda one: one.created_at).id if ready else None


async def for_log(runtime: Runtime, namespace: str, pod: str, container: str, *, previous: bool) -> str:
    """Id of the container whose log is meant, for a pod whose status is not known; raises `NoLogError`."""
    found = await _all(runtime, namespace, pod, container)
    index = 1 if previous else 0
    if len(found) <= index:
        subject = f'container "{container}" in pod "{pod}"'
        raise NoLogError(
            f"previous terminated {subject} not found" if previous else f"{subject} is not available"
        )
    return found[index].id


def log_path(status: pb.ContainerStatus) -> Path:
    """Where the runtime writes a container's log now."""
    return Path(status.log_path)


async def _all(runtime: Runtime, namespace: str, pod: str, container: str) -> list[pb.Container]:
    """Every container of this name that the runtime still knows, the newest first."""
    labels = {POD_NAMESPACE: namespace, POD_NAME: pod, CONTAINER_NAME: container}
    found = await runtime.list_containers(labels)
    return sorted(found, key=lambda one: one.created_at, reverse=True)
