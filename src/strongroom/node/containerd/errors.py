"""What containerd can answer instead of success; the one place that maps gRPC's errors of its services."""

import grpc


class ContainerdError(Exception):
    """containerd refused or failed. `str()` is its message."""


class NotFoundError(ContainerdError):
    """No such container, process or image."""


class AlreadyExistsError(ContainerdError):
    """What was to be created is there."""


class UnavailableError(ContainerdError):
    """containerd cannot be reached at present."""


class NotRunningError(ContainerdError):
    """The container's process is not in a state that allows the call; in most cases it has ended."""


_CLASSES: dict[grpc.StatusCode, type[ContainerdError]] = {
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.FAILED_PRECONDITION: NotRunningError,
}


def from_grpc(error: grpc.aio.AioRpcError) -> ContainerdError:
    """The domain's error for one of gRPC."""
    return _CLASSES.get(error.code(), ContainerdError)(error.details() or error.code().name)
