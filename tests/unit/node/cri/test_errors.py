"""gRPC's errors become the runtime's."""

import grpc
import pytest

from strongroom.node.cri import errors


def rpc_error(code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)


@pytest.mark.parametrize(
    ("code", "kind", "name"),
    [
        (grpc.StatusCode.NOT_FOUND, errors.NotFoundError, "NotFound"),
        (grpc.StatusCode.UNAVAILABLE, errors.UnavailableError, "Unavailable"),
        (grpc.StatusCode.UNKNOWN, errors.CRIError, "Unknown"),
        (grpc.StatusCode.CANCELLED, errors.CRIError, "Canceled"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.CRIError, "DeadlineExceeded"),
    ],
)
def test_codes(code: grpc.StatusCode, kind: type[errors.CRIError], name: str) -> None:
    error = errors.from_grpc(rpc_error(code, "why"))
    assert type(error) is kind
    assert str(error) == "why"
    assert error.rpc == f"rpc error: code = {name} desc = why"
