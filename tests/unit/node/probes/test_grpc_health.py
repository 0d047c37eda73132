"""`grpc` probes against a server of ours."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from strongroom.node.probes import _generated_health_pb2 as pb
from strongroom.node.probes import grpc_health
from strongroom.node.probes.outcome import Outcome
from strongroom.testing import ports

STATUS = pb.HealthCheckResponse.ServingStatus


async def check(request: pb.HealthCheckRequest, context: Any) -> pb.HealthCheckResponse:
    if request.service == "unknown":
        await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    status = STATUS.NOT_SERVING if request.service == "sick" else STATUS.SERVING
    return pb.HealthCheckResponse(status=status)


async def serve(*, healthy: bool = True) -> AsyncIterator[int]:
    server = grpc.aio.server()
    if healthy:
        method = grpc.unary_unary_rpc_method_handler(
            check,
            request_deserializer=pb.HealthCheckRequest.FromString,
            response_serializer=pb.HealthCheckResponse.SerializeToString,
        )
        handler = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": method})
        server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield port
    await server.stop(None)


@pytest.mark.parametrize(
    ("service", "text"),
    [
        ("", None),
        ("db", None),
        ("sick", 'service unhealthy (responded with "NOT_SERVING")'),
        ("unknown", "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service"),
    ],
)
async def test_answers(service: str, text: str | None) -> None:
    async for port in serve():
        outcome = await grpc_health.probe("127.0.0.1", port, service, 5)
        assert (outcome.success, outcome.text) == (text is None, text or "")


async def test_a_server_without_the_protocol() -> None:
    async for port in serve(healthy=False):
        outcome = await grpc_health.probe("127.0.0.1", port, "", 5)
        assert not outcome.success
        assert outcome.text.startswith(
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
        )


async def test_nobody_listens() -> None:
    port = ports.free_port()
    text = f'timeout: failed to connect service "127.0.0.1:{port}" within 200ms: context deadline exceeded'
    assert await grpc_health.probe("127.0.0.1", port, "", 0.2) == Outcome(False, text)
