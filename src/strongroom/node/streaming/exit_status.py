"""The `Status` that ends an exec or attach, on its error channel (Kubernetes, remotecommand)."""

from collections.abc import Sequence

import orjson

_DOMAIN = "error executing command in container"


def success() -> bytes:
    return orjson.dumps({"metadata": {}, "status": "Success"})


def exited(command: Sequence[str], code: int) -> bytes:
    """For a command that has ended with this exit code, zero included."""
    if code == 0:
        return success()
    return orjson.dumps(
        {
            "metadata": {},
            "status": "Failure",
            "message": "command terminated with non-zero exit code: "
            f"error executing command [{' '.join(command)}], exit code {code}",
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
        }
    )


def failed(why: str, domain: str = _DOMAIN) -> bytes:
    """For a command that could not be run, or of which nobody knows how it ended."""
    message = f"{domain}: {why}"
    return orjson.dumps(
        {
            "metadata": {},
            "status": "Failure",
            "message": f"Internal error occurred: {message}",
            "reason": "InternalError",
            "details": {"causes": [{"message": message}]},
            "code": 500,
        }
    )
