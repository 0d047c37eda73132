"""The client of containerd's own services, in the namespace where its CRI plugin keeps pods."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc
import orjson
from google.protobuf import any_pb2, empty_pb2

from strongroom.node.containerd import _generated_containers_pb2 as containers_pb
from strongroom.node.containerd import _generated_content_pb2 as content_pb
from strongroom.node.containerd import _generated_events_pb2 as events_pb
from strongroom.node.containerd import _generated_images_pb2 as images_pb
from strongroom.node.containerd import _generated_leases_pb2 as leases_pb
from strongroom.node.containerd import _generated_tasks_pb2 as tasks_pb
from strongroom.node.containerd import _generated_types_pb2 as types_pb
from strongroom.node.containerd import _generated_version_pb2 as version_pb
from strongroom.node.containerd import errors

NAMESPACE = "k8s.io"
PROCESS_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Process"

_TIMEOUT = 60.0
_OPTIONS = [
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.max_send_message_length", 16 * 1024 * 1024),
    # The authority that gRPC derives from a socket's path is refused by Go servers.
    ("grpc.default_authority", "localhost"),
    # containerd restarts within a second: do not wait long before trying again.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
]


@dataclass(frozen=True, slots=True)
class Streams:
    """Paths of the FIFOs that carry a process's streams; an empty one is not wanted."""

    stdin: str = ""
    stdout: str = ""
    stderr: str = ""


class ContainerdClient:
    """Speaks to the containerd at `endpoint` (`unix:///path`). To be closed with `close`.

    Every call raises a `errors.ContainerdError` when containerd refuses it or cannot be reached.
    """

    def __init__(self, endpoint: str) -> None:
        self._channel = grpc.aio.insecure_channel(endpoint, options=_OPTIONS)
        self._metadata: tuple[tuple[str, str], ...] = (("containerd-namespace", NAMESPACE),)

    async def close(self) -> None:
        await self._channel.close()

    async def version(self, timeout: float = 5.0) -> str:
        """containerd's version; the cheapest sign of life."""
        response: version_pb.VersionResponse = await self._call(
            "version.v1.Version/Version", empty_pb2.Empty(), version_pb.VersionResponse, timeout=timeout
        )
        return response.version

    async def container_spec(self, container_id: str) -> dict[str, Any]:
        """The OCI specification a container was created with. It holds the environment: never log it."""
        response: containers_pb.GetContainerResponse = await self._call(
            "containers.v1.Containers/Get",
            containers_pb.GetContainerRequest(id=container_id),
            containers_pb.GetContainerResponse,
        )
        spec = orjson.loads(response.container.spec.value)
        assert isinstance(spec, dict)
        return spec

    async def exec(
        self, container_id: str, exec_id: str, process: dict[str, Any], streams: Streams, *, terminal: bool
    ) -> None:
        """Prepare one more process of a running container; `start` starts it."""
        request = tasks_pb.ExecProcessRequest(
            container_id=container_id,
            exec_id=exec_id,
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            terminal=terminal,
            spec=any_pb2.Any(type_url=PROCESS_TYPE, value=orjson.dumps(process)),
        )
        await self._call("tasks.v1.Tasks/Exec", request, empty_pb2.Empty)

    async def start(self, container_id: str, exec_id: str) -> int:
        """Start a prepared process; its pid on the host."""
        response: tasks_pb.StartResponse = await self._call(
            "tasks.v1.Tasks/Start",
            tasks_pb.StartRequest(container_id=container_id, exec_id=exec_id),
            tasks_pb.StartResponse,
        )
        return response.pid

    async def wait(self, container_id: str, exec_id: str) -> int:
        """Wait, however long, for the end of a process; its exit code."""
        response: tasks_pb.WaitResponse = await self._call(
            "tasks.v1.Tasks/Wait",
            tasks_pb.WaitRequest(container_id=container_id, exec_id=exec_id),
            tasks_pb.WaitResponse,
            timeout=None,
        )
        return response.exit_status

    async def kill(self, container_id: str, exec_id: str, signal: int) -> None:
        await self._call(
            "tasks.v1.Tasks/Kill",
            tasks_pb.KillRequest(container_id=container_id, exec_id=exec_id, signal=signal),
            empty_pb2.Empty,
        )

    async def delete_process(self, container_id: str, exec_id: str) -> int:
        """Forget a process that has ended; its exit code. Its streams are cut if they are still open."""
        response: tasks_pb.DeleteResponse = await self._call(
            "tasks.v1.Tasks/DeleteProcess",
            tasks_pb.DeleteProcessRequest(container_id=container_id, exec_id=exec_id),
            tasks_pb.DeleteResponse,
        )
        return response.exit_status

    async def resize_pty(self, container_id: str, exec_id: str, width: int, height: int) -> None:
        request = tasks_pb.ResizePtyRequest(
            container_id=container_id, exec_id=exec_id, width=width, height=height
        )
        await self._call("tasks.v1.Tasks/ResizePty", request, empty_pb2.Empty)

    async def close_stdin(self, container_id: str, exec_id: str) -> None:
        """End of input for a process, once all that was written to its FIFO has been read."""
        await self._call(
            "tasks.v1.Tasks/CloseIO",
            tasks_pb.CloseIORequest(container_id=container_id, exec_id=exec_id, stdin=True),
            empty_pb2.Empty,
        )

    async def events(self, filters: Sequence[str]) -> AsyncIterator[types_pb.Envelope]:
        """Events from now on, until containerd goes away (`errors.UnavailableError`).

        The first envelope is empty: containerd answers, and whatever happens from here on follows.
        """
        method = self._channel.unary_stream(
            "/containerd.services.events.v1.Events/Subscribe",
            request_serializer=events_pb.SubscribeRequest.SerializeToString,
            response_deserializer=types_pb.Envelope.FromString,
        )
        call = method(events_pb.SubscribeRequest(filters=filters), metadata=self._metadata)
        try:
            # The stream itself says nothing until something happens. It shares its connection with this call.
            await self.version()
            yield types_pb.Envelope()
            async for envelope in call:
                yield envelope
        except grpc.aio.AioRpcError as error:
            raise errors.from_grpc(error) from None
        finally:
            call.cancel()
        raise errors.UnavailableError("the event stream ended")

    async def image_target(self, name: str) -> str | None:
        """Digest of what an image's name points at; None when there is no such name."""
        try:
            response: images_pb.GetImageResponse = await self._call(
                "images.v1.Images/Get", images_pb.GetImageRequest(name=name), images_pb.GetImageResponse
            )
        except errors.NotFoundError:
            return None
        return response.image.target.digest

    async def create_image(self, name: str, target: types_pb.Descriptor, labels: dict[str, str]) -> None:
        image = images_pb.Image(name=name, target=target, labels=labels)
        await self._call(
            "images.v1.Images/Create",
            images_pb.CreateImageRequest(image=image),
            images_pb.CreateImageResponse,
        )

    async def delete_image(self, name: str) -> None:
        """Take a name away, if it is there."""
        try:
            await self._call(
                "images.v1.Images/Delete", images_pb.DeleteImageRequest(name=name), empty_pb2.Empty
            )
        except errors.NotFoundError:
            return

    async def write_content(self, data: bytes, digest: str, labels: dict[str, str], lease: str) -> None:
        """Put a blob into the content store under a lease; one that is there already is left as it is."""
        request = content_pb.WriteContentRequest(
            action=content_pb.COMMIT,
            ref=f"import-{lease}-{digest}",
            total=len(data),
            expected=digest,
            data=data,
            labels=labels,
        )
        method = self._channel.stream_stream(
            "/containerd.services.content.v1.Content/Write",
            request_serializer=content_pb.WriteContentRequest.SerializeToString,
            response_deserializer=content_pb.WriteContentResponse.FromString,
        )
        call = method(
            iter([request]), metadata=(*self._metadata, ("containerd-lease", lease)), timeout=_TIMEOUT
        )
        try:
            async for _ in call:
                pass
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                raise errors.from_grpc(error) from None

    async def create_lease(self, lease: str, expires: datetime) -> None:
        """A lease that ends by itself at `expires` if nobody deletes it."""
        labels = {"containerd.io/gc.expire": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
        await self._call(
            "leases.v1.Leases/Create",
            leases_pb.CreateRequest(id=lease, labels=labels),
            leases_pb.CreateResponse,
        )

    async def delete_lease(self, lease: str) -> None:
        await self._call("leases.v1.Leases/Delete", leases_pb.DeleteRequest(id=lease), empty_pb2.Empty)

    async def _call(self, path: str, request: Any, answer: Any, *, timeout: float | None = _TIMEOUT) -> Any:
        method = self._channel.unary_unary(
            f"/containerd.services.{path}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            return await method(request, metadata=self._metadata, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise errors.from_grpc(error) from None
