"""HTTPS in front of the application: Granian, embedded in the event loop of the process.

HTTP/1.1, HTTP/2, WebSocket and TLS are spoken by its threads, outside the interpreter's lock.
"""

import asyncio
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

BACKLOG: Final = 4096
CONNECTIONS: Final = 16384
"""Open at once, watches included; more wait in the backlog."""
IDLE_SECONDS: Final = 150
"""Longer than clients keep idle connections, so that it is they who close them."""
STREAMS: Final = 1000
"""Requests at once on one HTTP/2 connection: kube-apiserver's default."""
HEAD_BYTES: Final = 1 << 20
"""Headers of one request by HTTP/2: what Go takes. HTTP/1.1: some 400 KiB."""
_PING_SECONDS: Final = 30


class ListenError(Exception):
    """The address can't be listened on, or the certificate not used: names it and the reason."""


class Listener:
    """Answers for `app` from `start` to `close`."""

    def __init__(self, app: Application, host: str, port: int, cert: Path, key: Path) -> None:
        """`port` 0: any that is free. `key`: PKCS #8."""
        self._app = app
        self._host = host
        self._cert = cert
        self._key = key
        self._tasks = tasks.TaskGroup("listener", describe_errors=False)
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.port = port
        """The port listened on, once started."""

    async def start(self) -> None:
        """Listen. Connections are taken from now on. Raises ListenError."""
        bound = _bind(self._host, self.port)
        self.port = bound.getsockname()[1]
        try:
            self._server = _Server(bound, target=self._app, **_settings(self._cert, self._key))
        except (OSError, ValueError) as error:
            bound.close()
            raise ListenError(
                f"can't use the certificate {self._cert} with the key {self._key}: {error}"
            ) from error
        self._serving = self._tasks.spawn("serve", self._server.serve())

    async def close(self, grace: float = 5.0) -> None:
        """Take no new requests, and wait for those under way, at most `grace` seconds. Idempotent.

        Watches are the application's to end, before."""
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

    def _init_shared_socket(self) -> None:
        # Not in its typing stub: the file descriptor, whether it is a Unix socket, the backlog.
        holder: Any = SocketHolder
        self._ssp = None
        self._shd: Any = holder(self._bound.detach(), False, BACKLOG)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ListenError(f"can't listen on {host}:{port}: {error.strerror or error}") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by every connection: small answers are not held back.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise ListenError(f"can't listen on {host}:{port}: {error.strerror or error}") from error
    return bound


def _settings(cert: Path, key: Path) -> dict[str, Any]:
    return {
        "interface": Interfaces.ASGINL,
        "http": HTTPModes.auto,
        "websockets": True,
        "backlog": BACKLOG,
        "backpressure": CONNECTIONS,
        "http1_settings": HTTP1Settings(header_read_timeout=IDLE_SECONDS * 1000),
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
