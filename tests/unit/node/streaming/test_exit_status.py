"""The Status at the end of an exec, byte for byte what kubectl and client-go read."""

import json

from strongroom.node.streaming import exit_status


def test_success() -> None:
    assert exit_status.success() == b'{"metadata":{},"status":"Success"}'
    assert exit_status.exited(["true"], 0) == exit_status.success()


def test_exit_code() -> None:
    assert json.loads(exit_status.exited(["sh", "-c", "exit 3"], 3)) == {
        "metadata": {},
        "status": "Failure",
        "message": "command terminated with non-zero exit code: "
        "error executing command [sh -c exit 3], exit code 3",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
    }


def test_failure() -> None:
    assert json.loads(exit_status.failed("no such file")) == {
        "metadata": {},
        "status": "Failure",
        "message": "Internal error occurred: error executing command in container: no such file",
        "reason": "InternalError",
        "details": {"causes": [{"message": "error executing command in container: no such file"}]},
        "code": 500,
    }
