"""HTTPS in front of the application: Granian, embedded in the event loop of the process.

HTTP/1.1, HTTP/2, WebSocket and TLS are spoken by its threads, outside the interpreter's lock.
"""

import asyncio
import resource
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.embed import Server

from strongroom.aio import tasks
from strongroom.server.app import Application
from strongroom.server.connections import room
from strongroom.server.connections.idle import Limits
from strongroom.server.connections.reaper import Reaper

CONNECTIONS: Final = 16384
"""Open at once, watches included; more wait in the backlog. Fewer where the process may open fewer files."""
_OTHER_FILES: Final = 512
_CROWDED: Final = 0.75
"""The part of them from which on those that wait are cut off early."""
HEAD_SECONDS: Final = 150
"""For a request's head, the wait for it included; so longer than clients keep idle connections."""
STREAMS: Final = 1000
"""Requests at once on one HTTP/2 connection: kube-apiserver's default."""
HEAD_BYTES: Final = 1 << 20
"""Headers of one request by HTTP/2: what Go takes. HTTP/1.1: some 400 KiB."""
_PING_SECONDS: Final = 30
_KEEPALIVE_SECONDS: Final = 180
"""Until a client that says nothing is asked whether it is there, by TCP: upstream's."""


class ListenError(Exception):
    """The address can't be listened on, or the certificate not used: names it and the reason."""


class Listener:
    """Answers for `app` from `start` to `close`."""

    def __init__(
        self, app: Application, host: str, port: int, cert: Path, key: Path, idle: Limits | None = None
    ) -> None:
        """`port` 0: any that is free. `key`: PKCS #8. `idle`: when connections are cut off."""
        self._app = app
        self._idle = idle
        self._host = host
        self._cert = cert
        self._key = key
        self._tasks = tasks.TaskGroup("listener", describe_errors=False)
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._reaper: Reaper | None = None
        self._reaping: asyncio.Task[None] | None = None
        self.port = port
        """The port listened on, once started."""

    async def start(self) -> None:
        """Listen. Connections are taken from now on. Raises ListenError."""
        most, backlog = _connections(), room.backlog()
        bound = _bind(self._host, self.port, backlog)
        self.port = bound.getsockname()[1]
        try:
            self._server = _Server(bound, target=self._app, **_settings(self._cert, self._key, most, backlog))
        except (OSError, ValueError) as error:
            bound.close()
            raise ListenError(
                f"can't use the certificate {self._cert} with the key {self._key}: {error}"
            ) from error
        limits = self._idle or Limits(int(most * _CROWDED))
        self._reaper = Reaper(bound.dup(), backlog, limits, self._app.peers)
        self._serving = self._tasks.spawn("serve", self._server.serve())
        self._reaping = self._tasks.spawn("reaper", self._reaper.run())

    async def close(self, grace: float = 5.0) -> None:
        """Take no new requests, and wait for those under way, at most `grace` seconds. Idempotent.

        Watches are the application's to end, before."""
        if self._reaper is not None and self._reaping is not None:
            self._reaping.cancel()
            await asyncio.wait((self._reaping,))
            self._reaper.close()  # Before the server: what is left of the listener would take connections.
        if self._server is not None and self._serving is not None and not self._serving.done():
            stop: Callable[[], None] = self._server.stop
            stop()
            await asyncio.wait((self._serving,), timeout=grace)
        await self._tasks.aclose()


class _Server(Server):
    """Serves a socket that is bound already.

    Granian binds its own with SO_REUSEPORT, with which a second server on the same port is no error."""

    def __init__(self, bound: socket.socket, **settings: Any) -> None:
        super().__init__(**settings)
        self._bound = bound
        self._waiting = settings["backlog"]

    def _init_shared_socket(self) -> None:
        # Not in its typing stub: the file descriptor, whether it is a Unix socket, the backlog.
        holder: Any = SocketHolder
        self._ssp = None
        self._shd: Any = holder(self._bound.detach(), False, self._waiting)


def _bind(host: str, port: int, backlog: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ListenError(f"can't listen on {host}:{port}: {error.strerror or error}") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by every connection: small answers are not held back, and who is gone is noticed.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
            if hasattr(socket, name):
                bound.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), _KEEPALIVE_SECONDS)
        bound.bind(address)
        bound.listen(backlog)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise ListenError(f"can't listen on {host}:{port}: {error.strerror or error}") from error
    return bound


def _connections() -> int:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return CONNECTIONS
    return min(CONNECTIONS, max(files - _OTHER_FILES, files // 2))


def _settings(cert: Path, key: Path, connections: int, backlog: int) -> dict[str, Any]:
    return {
        "interface": Interfaces.ASGINL,
        "http": HTTPModes.auto,
        "websockets": True,
        "backlog": backlog,
        "backpressure": connections,
        "http1_settings": HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1000),
        "http2_settings": HTTP2Settings(
            keep_alive_interval=_PING_SECONDS * 1000,
            max_concurrent_streams=STREAMS,
            max_headers_size=HEAD_BYTES,
        ),
        "log_enabled": False,
        "ssl_cert": cert,
        "ssl_key": key,
        "ssl_protocol_min": SSLProtocols.tls12,
    }
