"""etcd's API v3 over gRPC: calls, and one watch as a stream of answers."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.message import Message

from strongroom.store import errors
from strongroom.store.engines.etcd import _generated_rpc_pb2 as pb
from strongroom.store.engines.etcd import diagnosis
from strongroom.store.engines.etcd.endpoint import Endpoint

TIMEOUT: Final = 10.0
"""Seconds for a call, an election of a new leader included."""
DEFRAGMENT_TIMEOUT: Final = 600.0
"""Seconds for one member to write its file anew."""
_SIZE: Final = 512 * 1024 * 1024
_OPTIONS: Final = [
    ("grpc.max_receive_message_length", _SIZE),
    ("grpc.max_send_message_length", _SIZE),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A member that is gone without a word is noticed.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
]
EVERYTHING: Final = b"\0"
"""As key and range_end: all keys."""
_COMPACTED: Final = "required revision has been compacted"
_FUTURE: Final = "required revision is a future revision"
_TOO_LARGE: Final = "etcdserver: request is too large"
_LARGER: Final = "received message larger than max"
"""What gRPC says in front of it."""
_BAD_TOKEN: Final = "invalid auth token"  # noqa: S105
R = TypeVar("R", bound=Message)


class CompactedError(Exception):
    """etcd has forgotten the asked revision."""


class FutureError(Exception):
    """etcd has not reached the asked revision."""


class EtcdClient:
    """One channel to all members; a call goes to one that answers. Raises Unavailable where none does."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._shown = ",".join(endpoint.hosts)
        self._channel: Any = None
        self._calls: dict[str, Any] = {}
        self._token = ""

    async def start(self) -> None:
        """Connect. Raises EndpointError, Unavailable."""
        self._channel = self._connect(_target(self._endpoint.hosts))
        try:
            await self._check()
            await self._log_in()
        except BaseException:
            await self._channel.close()
            raise

    async def _check(self) -> None:
        """Raises Unavailable at once, and with the reason, when waiting for a connection is of no use."""
        call = self._channel.unary_unary(
            "/etcdserverpb.KV/Range",
            request_serializer=pb.RangeRequest.SerializeToString,
            response_deserializer=pb.RangeResponse.FromString,
        )
        try:
            await call(pb.RangeRequest(key=b"/", count_only=True), timeout=TIMEOUT)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE and (
                problem := await asyncio.to_thread(diagnosis.of, self._endpoint)
            ):
                raise errors.Unavailable(problem) from None

    def _connect(self, target: str) -> Any:
        if self._endpoint.tls:
            files = [self._endpoint.file(name) for name in ("ca", "key", "cert")]
            return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(*files), _OPTIONS)
        return grpc.aio.insecure_channel(target, _OPTIONS)

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()

    async def _log_in(self) -> None:
        password = self._endpoint.file("password-file")
        if password is None:
            return
        request = pb.AuthenticateRequest(
            name=self._endpoint.parameters["user"], password=password.decode().rstrip("\n")
        )
        answer = await self._call("Auth/Authenticate", request, pb.AuthenticateResponse, again=False)
        self._token = answer.token

    @property
    def _metadata(self) -> Sequence[tuple[str, str]]:
        # Without a leader no stale watch is kept alive.
        leader = (("hasleader", "true"),)
        return (*leader, ("token", self._token)) if self._token else leader

    async def range(self, request: pb.RangeRequest) -> pb.RangeResponse:
        """Raises CompactedError, FutureError."""
        return await self._call("KV/Range", request, pb.RangeResponse)

    async def txn(self, request: pb.TxnRequest) -> pb.TxnResponse:
        """When it raises Unavailable it may have happened. Raises TooLarge."""
        return await self._call("KV/Txn", request, pb.TxnResponse)

    async def compact(self, revision: int) -> None:
        """Raises CompactedError, FutureError."""
        await self._call("KV/Compact", pb.CompactionRequest(revision=revision), pb.CompactionResponse)

    async def size(self) -> int:
        """Bytes of the file of one member."""
        return (await self._call("Maintenance/Status", pb.StatusRequest(), pb.StatusResponse)).dbSize

    async def defragment(self) -> None:
        """Have each member write its file anew, one after the other; it answers nobody meanwhile.

        Raises Unavailable: also where the user may not ask for it."""
        for host in self._endpoint.hosts:
            channel = self._connect(host)
            try:
                call = channel.unary_unary(
                    "/etcdserverpb.Maintenance/Defragment",
                    request_serializer=pb.DefragmentRequest.SerializeToString,
                    response_deserializer=pb.DefragmentResponse.FromString,
                )
                await call(pb.DefragmentRequest(), timeout=DEFRAGMENT_TIMEOUT, metadata=self._metadata)
            except grpc.aio.AioRpcError as error:
                raise self._translate(error) from None
            finally:
                await channel.close()

    async def _call(self, method: str, request: Message, answer: type[R], *, again: bool = True) -> R:
        call = self._calls.get(method)
        if call is None:
            call = self._calls[method] = self._channel.unary_unary(
                f"/etcdserverpb.{method}",
                request_serializer=type(request).SerializeToString,
                response_deserializer=answer.FromString,
            )
        try:
            response: R = await call(request, timeout=TIMEOUT, metadata=self._metadata, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            if again and _BAD_TOKEN in (error.details() or ""):
                await self._log_in()
                return await self._call(method, request, answer, again=False)
            raise self._translate(error) from None
        return response

    async def watch(self, start: int) -> AsyncGenerator[pb.WatchResponse, None]:
        """Answers that tell all changes from revision `start` on. To be closed by who iterates it.

        The last one is `canceled` when etcd has forgotten that revision. Raises Unavailable when the
        connection breaks, or the watch is refused."""
        stream = self._channel.stream_stream(
            "/etcdserverpb.Watch/Watch",
            request_serializer=pb.WatchRequest.SerializeToString,
            response_deserializer=pb.WatchResponse.FromString,
        )(metadata=self._metadata, wait_for_ready=True)
        create = pb.WatchCreateRequest(
            key=EVERYTHING, range_end=EVERYTHING, start_revision=start, progress_notify=True
        )
        try:
            await stream.write(pb.WatchRequest(create_request=create))
            while True:
                response = await stream.read()
                if response is grpc.aio.EOF:
                    raise errors.Unavailable(f"etcd at {self._shown} has ended the watch")
                if response.canceled and not response.compact_revision:
                    # The token may have ended with the member that gave it.
                    await self._log_in()
                    raise errors.Unavailable(f"etcd at {self._shown}: {response.cancel_reason}")
                yield response
        except grpc.aio.AioRpcError as error:
            raise self._translate(error) from None
        finally:
            with contextlib.suppress(Exception):
                stream.cancel()

    def _translate(self, error: grpc.aio.AioRpcError) -> Exception:
        details = error.details() or ""
        if _COMPACTED in details:
            return CompactedError()
        if _FUTURE in details:
            return FutureError()
        if _TOO_LARGE in details or _LARGER in details:
            return errors.TooLarge(_TOO_LARGE)
        known: Mapping[Any, str] = {
            grpc.StatusCode.DEADLINE_EXCEEDED: "no answer in time",
            grpc.StatusCode.UNAVAILABLE: "not reachable, or without a leader",
        }
        # etcd's own messages name no value.
        return errors.Unavailable(f"etcd at {self._shown}: {known.get(error.code(), details)}")


def _target(hosts: Sequence[str]) -> str:
    """gRPC's name for several addresses; names are resolved by DNS, one of them at a time."""
    numeric = all(host.rpartition(":")[0].replace(".", "").isdigit() for host in hosts)
    if len(hosts) > 1 and numeric:
        return "ipv4:" + ",".join(hosts)
    return hosts[0]
