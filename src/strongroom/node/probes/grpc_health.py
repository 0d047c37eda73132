"""`grpc` probes: gRPC's own health checking protocol, without TLS."""

import asyncio

import grpc

from strongroom.machinery.validation import go_quote
from strongroom.node.cri import errors
from strongroom.node.images.puller import go_duration
from strongroom.node.probes import _generated_health_pb2 as pb
from strongroom.node.probes import network_errors
from strongroom.node.probes.outcome import Outcome

_METHOD = "/grpc.health.v1.Health/Check"
_OPTIONS = [
    ("grpc.primary_user_agent", "kube-probe/1.36"),
    # Each probe is a connection of its own, without the waiting that earlier failures have earned.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_receive_message_length", 64 * 1024),
    ("grpc.enable_http_proxy", 0),
]
_UNIMPLEMENTED = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "


async def probe(host: str, port: int, service: str, timeout: float) -> Outcome:
    """Ask for the health of `service` ("": of the server as a whole)."""
    address = network_errors.joined(host, port)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        try:
            async with asyncio.timeout(timeout):
                await channel.channel_ready()
        except TimeoutError:
            why = f"timeout: failed to connect service {go_quote(address)} within {go_duration(timeout)}"
            return Outcome(False, f"{why}: context deadline exceeded")
        check = channel.unary_unary(
            _METHOD,
            request_serializer=pb.HealthCheckRequest.SerializeToString,
            response_deserializer=pb.HealthCheckResponse.FromString,
        )
        try:
            answer: pb.HealthCheckResponse = await check(
                pb.HealthCheckRequest(service=service), timeout=max(0.001, deadline - loop.time())
            )
        except grpc.aio.AioRpcError as error:
            return _failure(error, timeout)
    if answer.status != pb.HealthCheckResponse.SERVING:
        return Outcome(False, f"service unhealthy (responded with {go_quote(_name(answer.status))})")
    return Outcome(True)


def _name(status: int) -> str:
    known = pb.HealthCheckResponse.ServingStatus
    return known.Name(status) if status in known.values() else str(status)


def _failure(error: grpc.aio.AioRpcError, timeout: float) -> Outcome:
    details = error.details() or ""
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return Outcome(False, _UNIMPLEMENTED + details, foreign=True)
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Outcome(False, f"timeout: health rpc did not complete within {go_duration(timeout)}")
    from_go = f"rpc error: code = {errors.go_name(error.code())} desc = {details}"
    return Outcome(False, f"error: health rpc probe failed: {from_go}", foreign=True)
