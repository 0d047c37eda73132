"""A socket in the data directory, by which commands on this machine ask the running server to do things.

A request is a line of JSON, `{"command": …}`; the answer is lines of JSON: any number of `{"progress": …}`,
then `{"result": …}` or `{"error": …}`. Only the server's own user and root are answered.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from strongroom.aio import tasks
from strongroom.cmd.service_account_keys import KeyFileError
from strongroom.encryption.keyring import KeyringError
from strongroom.store.errors import StoreError

NAME: Final = "admin.sock"
_PATH_LIMIT: Final = 100
"""A socket's path has at most 107 bytes."""

Tell = Callable[[Mapping[str, Any]], None]
Command = Callable[[Mapping[str, Any], Tell], Awaitable[Mapping[str, Any]]]
"""Takes the request; tells its progress; gives the result. May raise StoreError, KeyringError, KeyFileError
and OSError."""


class NotRunning(Exception):
    """No server answers at this data directory."""


class Refused(Exception):
    """The server's answer: one line."""


@contextlib.contextmanager
def _address(folder: Path) -> Iterator[str]:
    """A path of the socket that is short enough."""
    path = str(folder / NAME)
    if len(path) < _PATH_LIMIT:
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)


class AdminSocket:
    """Serves `commands`, one at a time. `folder`: a private directory that this process owns."""

    def __init__(self, folder: Path, commands: Mapping[str, Command]) -> None:
        self._folder = folder
        self._commands = commands
        self._tasks = tasks.TaskGroup("admin", describe_errors=False)
        self._working = asyncio.Lock()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises OSError."""
        (self._folder / NAME).unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _address(self._folder) as path:
                listening.bind(path)
            (self._folder / NAME).chmod(0o600)
            self._server = await asyncio.start_unix_server(self._accept, sock=listening)
        except BaseException:
            listening.close()
            raise

    async def close(self) -> None:
        """Stop listening and cut off what is under way."""
        if self._server is not None:
            self._server.close()
            await self._tasks.aclose()
            with contextlib.suppress(OSError):
                (self._folder / NAME).unlink()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.spawn("command", self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def tell(line: Mapping[str, Any]) -> None:
            writer.write(orjson.dumps(line) + b"\n")

        try:
            if not _may_ask(writer.get_extra_info("socket")):
                return
            request = orjson.loads(await asyncio.wait_for(reader.readline(), 10))
            if not isinstance(request, dict):
                return
            tell(await self._answer(request, lambda progress: tell({"progress": progress})))
            await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass  # it is gone, or is no client of ours
        finally:
            writer.close()

    async def _answer(self, request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
        command = self._commands.get(str(request.get("command")))
        if command is None:
            return {"error": "the running server does not know this command: it is of another version"}
        if self._working.locked():
            return {"error": "the server is at work on such a command already: wait for it"}
        async with self._working:
            try:
                return {"result": await command(request, tell)}
            except (StoreError, KeyringError, KeyFileError) as error:
                return {"error": str(error)}
            except OSError as error:
                return {"error": f"{error.filename or self._folder}: {error.strerror}"}


def _may_ask(peer: Any) -> bool:
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the directory is private
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid in (0, os.geteuid())


def call(folder: Path, request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
    """Ask the server that runs on the data directory `folder`. Blocks. Raises NotRunning, Refused."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            with _address(folder) as path:
                asking.connect(path)
        except OSError:
            raise NotRunning(f"no server runs on {folder}") from None
        try:
            asking.sendall(orjson.dumps(request) + b"\n")
            with asking.makefile("rb") as answers:
                for line in answers:
                    answer = orjson.loads(line)
                    if "error" in answer:
                        raise Refused(answer["error"])
                    if "result" in answer:
                        result: Mapping[str, Any] = answer["result"]
                        return result
                    tell(answer["progress"])
        except OSError as error:
            raise Refused(f"the server was lost: {error.strerror}") from error
    raise Refused("the server ended, or refused, before it was done: run the command again")
