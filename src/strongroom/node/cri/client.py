"""The client of a container runtime's endpoint."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri import errors

_TIMEOUT = 120.0
_OPTIONS = [
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.max_send_message_length", 16 * 1024 * 1024),
    # The first connection may come before the runtime listens: try again soon.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # The authority that gRPC derives from a socket's path is refused by Go servers.
    ("grpc.default_authority", "localhost"),
]
R = TypeVar("R", bound=Message)


class CRIClient:
    """Fulfils `protocol.CRI` over gRPC. `endpoint` is `unix:///path`. To be closed with `close`."""

    def __init__(self, endpoint: str) -> None:
        self._channel = grpc.aio.insecure_channel(endpoint, options=_OPTIONS)
        self._methods: dict[str, Any] = {}

    async def close(self) -> None:
        await self._channel.close()

    async def _call(
        self, method: str, request: Message, answer: type[R], timeout: float | None = _TIMEOUT
    ) -> R:
        call = self._methods.get(method)
        if call is None:
            call = self._methods[method] = self._channel.unary_unary(
                f"/runtime.v1.{method}",
                request_serializer=type(request).SerializeToString,
                response_deserializer=answer.FromString,
            )
        try:
            response: R = await call(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            # gRPC's own text shows the peer and the trailers too; ours is the message alone.
            raise errors.from_grpc(error) from None
        return response

    async def _call_unless_gone(self, method: str, request: Message, answer: type[Message]) -> None:
        try:
            await self._call(method, request, answer)
        except errors.NotFoundError:
            return

    async def version(self) -> pb.VersionResponse:
        return await self._call("RuntimeService/Version", pb.VersionRequest(), pb.VersionResponse)

    async def status(self) -> Sequence[pb.RuntimeCondition]:
        response = await self._call("RuntimeService/Status", pb.StatusRequest(), pb.StatusResponse)
        return list(response.status.conditions)

    async def run_pod_sandbox(self, config: pb.PodSandboxConfig) -> str:
        request = pb.RunPodSandboxRequest(config=config)
        response = await self._call("RuntimeService/RunPodSandbox", request, pb.RunPodSandboxResponse, 240.0)
        return response.pod_sandbox_id

    async def stop_pod_sandbox(self, sandbox_id: str) -> None:
        request = pb.StopPodSandboxRequest(pod_sandbox_id=sandbox_id)
        await self._call_unless_gone("RuntimeService/StopPodSandbox", request, pb.StopPodSandboxResponse)

    async def remove_pod_sandbox(self, sandbox_id: str) -> None:
        request = pb.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id)
        await self._call_unless_gone("RuntimeService/RemovePodSandbox", request, pb.RemovePodSandboxResponse)

    async def pod_sandbox_status(self, sandbox_id: str) -> pb.PodSandboxStatus:
        request = pb.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id)
        response = await self._call("RuntimeService/PodSandboxStatus", request, pb.PodSandboxStatusResponse)
        return response.status

    async def list_pod_sandboxes(self, labels: Mapping[str, str]) -> Sequence[pb.PodSandbox]:
        request = pb.ListPodSandboxRequest(filter=pb.PodSandboxFilter(label_selector=labels))
        response = await self._call("RuntimeService/ListPodSandbox", request, pb.ListPodSandboxResponse)
        return list(response.items)

    async def create_container(
        self, sandbox_id: str, config: pb.ContainerConfig, sandbox_config: pb.PodSandboxConfig
    ) -> str:
        request = pb.CreateContainerRequest(
            pod_sandbox_id=sandbox_id, config=config, sandbox_config=sandbox_config
        )
        response = await self._call("RuntimeService/CreateContainer", request, pb.CreateContainerResponse)
        return response.container_id

    async def start_container(self, container_id: str) -> None:
        request = pb.StartContainerRequest(container_id=container_id)
        await self._call("RuntimeService/StartContainer", request, pb.StartContainerResponse)

    async def stop_container(self, container_id: str, timeout: int) -> None:
        request = pb.StopContainerRequest(container_id=container_id, timeout=timeout)
        limit = timeout + _TIMEOUT
        await self._call("RuntimeService/StopContainer", request, pb.StopContainerResponse, limit)

    async def remove_container(self, container_id: str) -> None:
        request = pb.RemoveContainerRequest(container_id=container_id)
        await self._call_unless_gone("RuntimeService/RemoveContainer", request, pb.RemoveContainerResponse)

    async def container_status(self, container_id: str) -> pb.ContainerStatus:
        request = pb.ContainerStatusRequest(container_id=container_id)
        response = await self._call("RuntimeService/ContainerStatus", request, pb.ContainerStatusResponse)
        return response.status

    async def list_containers(self, labels: Mapping[str, str]) -> Sequence[pb.Container]:
        request = pb.ListContainersRequest(filter=pb.ContainerFilter(label_selector=labels))
        response = await self._call("RuntimeService/ListContainers", request, pb.ListContainersResponse)
        return list(response.containers)

    async def list_container_stats(self, labels: Mapping[str, str]) -> Sequence[pb.ContainerStats]:
        request = pb.ListContainerStatsRequest(filter=pb.ContainerStatsFilter(label_selector=labels))
        answer = pb.ListContainerStatsResponse
        return list((await self._call("RuntimeService/ListContainerStats", request, answer)).stats)

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: int) -> pb.ExecSyncResponse:
        request = pb.ExecSyncRequest(container_id=container_id, cmd=command, timeout=timeout)
        limit = timeout + _TIMEOUT if timeout else None
        return await self._call("RuntimeService/ExecSync", request, pb.ExecSyncResponse, limit)

    async def update_container_resources(
        self, container_id: str, resources: pb.LinuxContainerResources
    ) -> None:
        request = pb.UpdateContainerResourcesRequest(container_id=container_id, linux=resources)
        answer = pb.UpdateContainerResourcesResponse
        await self._call("RuntimeService/UpdateContainerResources", request, answer)

    async def reopen_container_log(self, container_id: str) -> None:
        request = pb.ReopenContainerLogRequest(container_id=container_id)
        await self._call("RuntimeService/ReopenContainerLog", request, pb.ReopenContainerLogResponse)

    async def attach(self, container_id: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool) -> str:
        """URL on the runtime's streaming server for one connection to the streams of a running container."""
        request = pb.AttachRequest(
            container_id=container_id, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty
        )
        return str((await self._call("RuntimeService/Attach", request, pb.AttachResponse)).url)

    async def port_forward(self, sandbox_id: str, ports: Sequence[int]) -> str:
        """URL on the runtime's streaming server for one client that forwards ports of a sandbox.

        `ports` are those of a client of the old WebSocket protocol; others name theirs later."""
        request = pb.PortForwardRequest(pod_sandbox_id=sandbox_id, port=ports)
        return str((await self._call("RuntimeService/PortForward", request, pb.PortForwardResponse)).url)

    async def image_status(self, image: str) -> pb.Image | None:
        request = pb.ImageStatusRequest(image=pb.ImageSpec(image=image))
        response = await self._call("ImageService/ImageStatus", request, pb.ImageStatusResponse)
        return response.image if response.HasField("image") else None

    async def list_images(self) -> Sequence[pb.Image]:
        response = await self._call("ImageService/ListImages", pb.ListImagesRequest(), pb.ListImagesResponse)
        return list(response.images)

    async def pull_image(
        self, image: str, auth: pb.AuthConfig | None, sandbox_config: pb.PodSandboxConfig | None
    ) -> str:
        request = pb.PullImageRequest(
            image=pb.ImageSpec(image=image), auth=auth, sandbox_config=sandbox_config
        )
        return (await self._call("ImageService/PullImage", request, pb.PullImageResponse, None)).image_ref

    async def remove_image(self, image: str) -> None:
        request = pb.RemoveImageRequest(image=pb.ImageSpec(image=image))
        await self._call_unless_gone("ImageService/RemoveImage", request, pb.RemoveImageResponse)
