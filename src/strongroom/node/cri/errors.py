"""What a container runtime can answer instead of success; the one place that maps gRPC's errors."""

import grpc

_GO_NAMES = {
    "CANCELLED": "Canceled",
    "INVALID_ARGUMENT": "InvalidArgument",
    "DEADLINE_EXCEEDED": "DeadlineExceeded",
    "NOT_FOUND": "NotFound",
    "ALREADY_EXISTS": "AlreadyExists",
    "PERMISSION_DENIED": "PermissionDenied",
    "RESOURCE_EXHAUSTED": "ResourceExhausted",
    "FAILED_PRECONDITION": "FailedPrecondition",
    "OUT_OF_RANGE": "OutOfRange",
    "DATA_LOSS": "DataLoss",
}


class CRIError(Exception):
    """The runtime refused or failed. `str()` is its message; `rpc` is the text that Go clients print."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def rpc(self) -> str:
        """`rpc error: code = ‹code› desc = ‹message›`, as events about pulls show it."""
        return f"rpc error: code = {self.code} desc = {self.message}"


class NotFoundError(CRIError):
    """No such sandbox, container or image."""

    def __init__(self, message: str) -> None:
        super().__init__("NotFound", message)


class UnavailableError(CRIError):
    """The runtime cannot be reached at present."""

    def __init__(self, message: str) -> None:
        super().__init__("Unavailable", message)


def go_name(code: grpc.StatusCode) -> str:
    """The name that Go gives a status code: `NOT_FOUND` is `NotFound`."""
    return _GO_NAMES.get(code.name, code.name.capitalize())


def from_grpc(error: grpc.aio.AioRpcError) -> CRIError:
    """The domain's error for one of gRPC."""
    message = error.details() or ""
    match error.code():
        case grpc.StatusCode.NOT_FOUND:
            return NotFoundError(message)
        case grpc.StatusCode.UNAVAILABLE:
            return UnavailableError(message)
        case code:
            return CRIError(go_name(code), message)
