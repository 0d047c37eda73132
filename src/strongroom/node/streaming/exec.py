"""Running one more process in a container, its streams joined to a client's.

This goes through containerd's Tasks API and not through CRI's own streaming server, because there the end of
standard input cannot be told without ending the whole connection.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from strongroom.aio import tasks
from strongroom.node.containerd import client as clients
from strongroom.node.containerd import errors
from strongroom.node.streaming import (
    channels,
    cleanups,
    connection,
    exit_status,
    fifos,
    process_spec,
    start_gate,
    stdin,
)

T = TypeVar("T")
_log = logging.getLogger(__name__)

_DRAIN_IDLE = 2.0
_KILL_TIMEOUT = 10.0
_CHECK_INTERVAL = 1.0
_SIZE_PATIENCE = 0.05
_WAIT_RETRIES, _WAIT_DELAY = 50, 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run, and which streams the client wants."""

    container_id: str
    command: Sequence[str]
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


class Exec:
    """One exec. `run` sees it through, from the process's start to the last trace of it."""

    def __init__(
        self,
        client: clients.ContainerdClient,
        request: Request,
        peer: connection.Connection,
        directory: Path,
        gate: start_gate.StartGate,
        pending: cleanups.Cleanups,
    ) -> None:
        self._client = client
        self._request = request
        self._peer = peer
        self._id = os.urandom(16).hex()
        self._directory = directory / self._id
        self._gate = gate
        self._cleanups = pending
        self._stdin = stdin.Stdin()
        self._size: channels.Size | None = None
        self._sized = asyncio.Event()
        self._started = False

    async def run(self) -> None:
        """Returns when the process has ended and the client has its status, or the client is gone.

        A client that goes away, or a cancellation, kills the process.
        """
        try:
            await self._run()
        except connection.ConnectionLostError:
            return
        except errors.ContainerdError as error:
            await self._peer.finish(exit_status.failed(f"failed to exec in container: {error}"))

    async def _run(self) -> None:
        request = self._request
        spec = await self._client.container_spec(request.container_id)
        process = process_spec.derive(spec, request.command, terminal=request.tty)
        async with AsyncExitStack() as stack:
            pipes = fifos.Fifos(self._directory, stdin=request.stdin, stderr=not request.tty)
            stack.callback(pipes.remove)
            outputs = [(channels.STDOUT, pipes.stdout, request.stdout)]
            if pipes.stderr is not None:
                outputs.append((channels.STDERR, pipes.stderr, request.stderr))
            readers = []
            for _, path, _ in outputs:
                readers.append(fifos.Reader.open(path))
                stack.callback(readers[-1].close)
            group = await stack.enter_async_context(tasks.TaskGroup("exec"))
            client = group.spawn("client", self._receive())
            async with self._gate.of(process_spec.sandbox_id(spec, request.container_id)):
                await self._start(process, pipes, stack)
            moving = [
                group.spawn("output", self._output(reader, channel, wanted))
                for reader, (channel, _, wanted) in zip(readers, outputs, strict=True)
            ]
            if pipes.stdin is not None:
                group.spawn("input", self._input(pipes.stdin))
            ended = group.spawn("wait", self._exit_code())
            code = await self._unless_lost(ended, client)
            for reader in readers:
                reader.end_when_idle(_DRAIN_IDLE)
            for task in moving:
                await self._unless_lost(task, client)
            await self._peer.finish(exit_status.exited(request.command, code))

    async def _start(self, process: dict[str, object], pipes: fifos.Fifos, stack: AsyncExitStack) -> None:
        """Start the process, and see to it that at the end it is killed and forgotten, whatever happens."""
        request = self._request
        if request.tty:
            # A terminal should have its size before the program in it looks.
            with suppress(TimeoutError):
                async with asyncio.timeout(_SIZE_PATIENCE):
                    await self._sized.wait()
            if self._size is not None:
                process["consoleSize"] = {"width": self._size.width, "height": self._size.height}
        paths = (str(path or "") for path in (pipes.stdin, pipes.stdout, pipes.stderr))
        await self._client.exec(
            request.container_id, self._id, process, clients.Streams(*paths), terminal=request.tty
        )
        stack.push_async_callback(self._forget)
        await self._client.start(request.container_id, self._id)
        self._started = True
        if self._size is not None:
            await self._resize(self._size)

    async def _forget(self) -> None:
        """Kill the process if it still runs, and have containerd forget it; not to be stopped half-way."""
        await self._cleanups.finish("forget", self._kill_and_delete())

    async def _kill_and_delete(self) -> None:
        container_id = self._request.container_id
        for attempt in range(2):
            try:
                await self._client.delete_process(container_id, self._id)
                return
            except errors.NotFoundError:
                return
            except errors.ContainerdError as error:
                if attempt:
                    _log.warning("an exec in container %s was not removed: %s", container_id, error)
                    return
            with suppress(errors.ContainerdError, TimeoutError):
                await self._client.kill(container_id, self._id, signal.SIGKILL)
                async with asyncio.timeout(_KILL_TIMEOUT):
                    await self._client.wait(container_id, self._id)

    async def _unless_lost(self, task: "asyncio.Task[T]", client: "asyncio.Task[None]") -> T:
        """What a task returns; `ConnectionLostError` if the client goes away before."""
        await asyncio.wait([task, client], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise connection.ConnectionLostError
        return task.result()

    async def _exit_code(self) -> int:
        """Wait for the end of the process. It goes on while containerd restarts, and so does the waiting."""
        failures = 0
        while True:
            try:
                return await self._client.wait(self._request.container_id, self._id)
            except errors.UnavailableError:
                failures += 1
                if failures == _WAIT_RETRIES:
                    raise
            await asyncio.sleep(_WAIT_DELAY)

    async def _output(self, reader: fifos.Reader, channel: int, wanted: bool) -> None:
        """Hand on what the process writes, no faster than the client takes it."""
        with suppress(connection.ConnectionLostError):
            if wanted:
                await self._peer.send(channel)
            while data := await reader.read():
                if wanted:
                    await self._peer.send(channel, data)

    async def _input(self, path: Path) -> None:
        writer = await fifos.Writer.open(path)
        try:
            await self._stdin.run(writer)
        finally:
            writer.close()
        # The shim holds the FIFO open too, so that a client's going is not the end of input by itself.
        with suppress(errors.ContainerdError):
            await self._client.close_stdin(self._request.container_id, self._id)

    async def _receive(self) -> None:
        """Take what the client sends; returns when it has gone."""
        async for message in self._peer.messages():
            match message:
                case channels.Data(channels.STDIN, data):
                    self._stdin.put(data)
                    while not await self._stdin.has_room(_CHECK_INTERVAL):
                        if await self._peer.is_lost():
                            return
                case channels.Close(channels.STDIN):
                    self._stdin.close()
                case channels.Data(channels.RESIZE, data) if self._request.tty:
                    size = channels.parse_size(data)
                    if size is not None:
                        await self._resize(size)

    async def _resize(self, size: channels.Size) -> None:
        self._size = size
        self._sized.set()
        if self._started:
            with suppress(errors.ContainerdError):
                await self._client.resize_pty(self._request.container_id, self._id, size.width, size.height)
