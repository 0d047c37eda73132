"""A command run in a container to its end, with an end to how long and how much."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from strongroom.node.cri.errors import CRIError
from strongroom.node.cri.protocol import CRI

OUTPUT_LIMIT = 10 * 1024
"""Bytes of output that are kept."""


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a command ended; `output` is the begin of what it wrote, standard output first."""

    exit_code: int
    output: bytes = field(default=b"", repr=False)


class ExecTimeoutError(Exception):
    """The command did not end in time, and was killed."""


class ExecSync(Protocol):
    """Who runs commands."""

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        """Run `command` for at most `timeout` seconds (0: as long as it takes).

        Raises `ExecTimeoutError`, and `CRIError` where it cannot be started. Nothing of it is left running.
        """
        ...


class RuntimeExecSync:
    """By the runtime's own `ExecSync`, for runtimes that are known by their CRI alone."""

    def __init__(self, cri: CRI) -> None:
        self._cri = cri

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        try:
            answer = await self._cri.exec_sync(container_id, command, int(timeout))
        except CRIError as error:
            if error.code == "DeadlineExceeded":
                raise ExecTimeoutError from None
            raise
        return ExecResult(answer.exit_code, (answer.stdout + answer.stderr)[:OUTPUT_LIMIT])
