"""Commands run in containers through containerd's Tasks API, so that a command that hangs can be ended whole.

CRI's own `ExecSync` kills one process when the time is over: what that has started lives on in the container,
and while it holds the output open, the call does not return at all.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from strongroom.aio import tasks
from strongroom.node.containerd import client as clients
from strongroom.node.containerd import errors, process, sessions
from strongroom.node.cri.errors import CRIError
from strongroom.node.cri.errors import NotFoundError as NoContainerError
from strongroom.node.exec_sync import OUTPUT_LIMIT, ExecResult, ExecTimeoutError
from strongroom.node.streaming import cleanups, fifos, process_spec, start_gate

_PREFIX = "sync-"
_DRAIN_IDLE = 0.2
_START_TIMEOUT = 30.0
_END_TIMEOUT = 10.0
_ROUNDS = 5


_Begun = int | errors.ContainerdError
"""The process of a command that was started, or why it was not."""


class ContainerdExecSync:
    """Fulfils `node.exec_sync.ExecSync`. Each exec has a directory below `directory`, with its FIFOs.

    The time counts from the moment when the command runs. To be closed with `aclose`.
    """

    def __init__(self, client: clients.ContainerdClient, directory: Path) -> None:
        self._client = client
        self._directory = directory
        self._gate = start_gate.StartGate()
        self._starts = tasks.TaskGroup("exec-sync")
        self._cleanups = cleanups.Cleanups("exec-sync")

    async def aclose(self) -> None:
        """Wait for what is being cleaned up."""
        await self._cleanups.aclose(_END_TIMEOUT)
        await self._starts.aclose()

    async def clean_up(self) -> None:
        """End what an agent that was killed has left running. To be called before anything is run."""
        for directory in self._directory.glob(f"{_PREFIX}*"):
            container_id, session = _noted(directory)
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
            if container_id:
                await self._end(container_id, directory.name, session)

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        try:
            return await self._exec(container_id, command, timeout)
        except errors.NotFoundError as error:
            raise NoContainerError(f"failed to exec in container: {error}") from None
        except errors.ContainerdError as error:
            raise CRIError("Unknown", f"failed to exec in container: {error}") from None

    async def _exec(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        spec = await self._client.container_spec(container_id)
        wanted = process_spec.derive(spec, command, terminal=False)
        exec_id = f"{_PREFIX}{os.urandom(16).hex()}"
        with ExitStack() as stack:
            pipes = fifos.Fifos(self._directory / exec_id, stdin=False, stderr=True)
            stack.callback(pipes.remove)
            readers = []
            for path in (pipes.stdout, pipes.stderr):
                assert path is not None
                readers.append(fifos.Reader.open(path))
                stack.callback(readers[-1].close)
            streams = clients.Streams("", str(pipes.stdout), str(pipes.stderr))
            starting: asyncio.Task[_Begun] | None = None
            try:
                async with self._gate.of(process_spec.sandbox_id(spec, container_id)):
                    begin = self._begin(container_id, exec_id, wanted, streams)
                    starting = self._starts.spawn("start", begin)
                    async with asyncio.timeout(_START_TIMEOUT):
                        # Goes on when nobody waits any more: what is about to run cannot be ended yet.
                        session = await asyncio.shield(starting)
                if isinstance(session, errors.ContainerdError):
                    raise session
                _note(self._directory / exec_id, container_id, session)
                return await self._finish(container_id, exec_id, readers, timeout)
            except TimeoutError:
                raise ExecTimeoutError from None
            finally:
                if starting is not None:
                    await self._cleanups.finish("forget", self._forget(container_id, exec_id, starting))

    async def _begin(
        self, container_id: str, exec_id: str, wanted: dict[str, object], streams: clients.Streams
    ) -> "_Begun":
        try:
            await self._client.exec(container_id, exec_id, wanted, streams, terminal=False)
            return await self._client.start(container_id, exec_id)
        except errors.ContainerdError as error:
            return error

    async def _finish(
        self, container_id: str, exec_id: str, readers: Sequence[fifos.Reader], timeout: float
    ) -> ExecResult:
        """Gather the output until the command has ended."""
        async with asyncio.timeout(timeout or None), tasks.TaskGroup("exec-sync") as group:
            outputs = [group.spawn("output", _read(reader)) for reader in readers]
            code = await self._client.wait(container_id, exec_id)
            for reader in readers:
                # What it left running in the background may hold the other end for as long as it likes.
                reader.end_when_idle(_DRAIN_IDLE)
            output = b"".join([await task for task in outputs])
        return ExecResult(code, output[:OUTPUT_LIMIT])

    async def _forget(self, container_id: str, exec_id: str, starting: "asyncio.Task[_Begun]") -> None:
        await asyncio.wait([starting], timeout=_END_TIMEOUT)
        begun = starting.result() if starting.done() and not starting.cancelled() else 0
        await self._end(container_id, exec_id, begun if isinstance(begun, int) else 0)

    async def _end(self, container_id: str, exec_id: str, session: int) -> None:
        """End all that still runs of it, and have containerd forget it."""
        with suppress(errors.ContainerdError, TimeoutError):
            for _ in range(_ROUNDS):
                try:
                    await self._client.delete_process(container_id, exec_id)
                    return
                except errors.NotFoundError:
                    return
                except errors.ContainerdError:
                    await self._kill(container_id, exec_id, session)

    async def _kill(self, container_id: str, exec_id: str, session: int) -> None:
        if session:
            await asyncio.to_thread(sessions.kill, session)
        with suppress(errors.NotFoundError, errors.NotRunningError):
            await self._client.kill(container_id, exec_id, signal.SIGKILL)
        async with asyncio.timeout(_END_TIMEOUT):
            await self._client.wait(container_id, exec_id)


def _note(directory: Path, container_id: str, session: int) -> None:
    """Write down what runs, for whoever has to end it."""
    (directory / "process").write_text(f"{container_id} {session} {process.start_time(session)}")


def _noted(directory: Path) -> tuple[str, int]:
    """Container and session of an exec; no session where the process is not the one that was noted."""
    try:
        container_id, session, started = (directory / "process").read_text().split()
    except (OSError, ValueError):
        return "", 0
    return container_id, int(session) if process.start_time(int(session)) == started else 0


async def _read(reader: fifos.Reader) -> bytes:
    """All that is written; what is beyond the limit is thrown away."""
    kept = b""
    while data := await reader.read():
        kept += data[: OUTPUT_LIMIT - len(kept)]
    return kept
