"""A machine's membership in a cluster: joined once, with a bootstrap token, and renewed by itself.

What is kept on disk, for root alone: the machine's key, and the tokens of its Node, which end after a day.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from strongroom.aio.backoff import Backoff
from strongroom.aio.clock import Clock
from strongroom.api import node_joining, resources
from strongroom.api.core.v1 import bootstrap_token
from strongroom.client.http import HTTPTransport
from strongroom.client.response import ConnectionFailed
from strongroom.client.rest import Client
from strongroom.cmd import files
from strongroom.machinery import duration
from strongroom.machinery.status import StatusError

LOOK: Final = 30.0
"""Seconds between looks whether the Node is still there, and between tries of joining again if it is not."""
RETRY: Final = 5.0
"""Seconds at least between two tries of a renewal."""
_log = logging.getLogger(__name__)


class JoinError(Exception):
    """Why this machine is no node of the cluster, in one line that holds no token."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The tokens of one Node, and when they were had and end. They do not print."""

    server: str
    node: str
    token: str
    proxy_token: str
    issued: datetime
    expires: datetime

    def __repr__(self) -> str:
        return f"Credentials({self.node!r}, expires={self.expires})"

    def renewal(self) -> datetime:
        """When to ask for new ones: a third of the time passed, two thirds left for a server that is away."""
        return self.issued + (self.expires - self.issued) / 3


def encode(known: Credentials) -> bytes:
    fields = {
        "server": known.server,
        "node": known.node,
        "token": known.token,
        "proxyToken": known.proxy_token,
        "issued": duration.timestamp(known.issued),
        "expires": duration.timestamp(known.expires),
    }
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def decode(data: bytes) -> Credentials | None:
    """None for what is none."""
    try:
        found = orjson.loads(data)
        times = [duration.parse_timestamp(found[name]) for name in ("issued", "expires")]
        texts = [str(found[name]) for name in ("server", "node", "token", "proxyToken")]
        return Credentials(*texts, *times)  # type: ignore[arg-type]
    except (ValueError, KeyError, TypeError):
        return None


class Membership:
    """`start`, then `keep` until the end. `transport` and `proxy` carry the tokens as they are now.

    `connect` makes a transport without a token; it trusts the cluster's certificate authority alone.
    `joined_anew` is called when the Node is another one than before. `pod_network`: a subnet free here.
    """

    def __init__(
        self,
        folder: Path,
        server: str,
        node: str,
        token_file: Path,
        connect: Callable[[], HTTPTransport],
        clock: Clock,
        joined_anew: Callable[[], None],
        *,
        pod_network: str = "",
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._folder = folder
        self._server = server
        self._node = node
        self._token_file = token_file
        self._clock = clock
        self.transport, self.proxy, self._joining = connect(), connect(), connect()
        self._known: Credentials | None = None
        self._key = ""
        self._trouble = ""
        """What was told last of renewals."""
        self._piped = ""
        """The bootstrap token, where it came by a pipe: that can be read once, and joining may take several
        tries."""
        self._joined_anew = joined_anew
        self._sleep = sleep
        self._pod_network = pod_network

    async def start(self) -> None:
        """Have tokens, of the last run or new ones. Raises JoinError; waits for a server that is away."""
        files.make_private_folder(self._folder)
        self._key = self._have_key()
        stored = self._load()
        if stored is not None and self._clock.now() < stored.expires:
            self._use(stored)
            if not await self._is_refused():
                return
            _log.warning("the node's credentials are good no more: its Node is gone; joining again")
        backoff, told = Backoff(0.2, 10.0), False
        while True:
            try:
                await self._join()
                return
            except ConnectionFailed as error:
                if not told:
                    _log.warning("waiting for the server: %s", error)
                told = True
                await self._sleep(backoff.next())

    async def keep(self) -> None:
        """Renew in time, until cancelled. Where the Node was deleted, join again once a token allows it."""
        while True:
            assert self._known is not None, "not started"
            left = (self._known.renewal() - self._clock.now()).total_seconds()
            await self._sleep(min(max(left, RETRY), LOOK))
            if self._clock.now() >= self._known.renewal():
                await self._attempt_renewal()
            elif await self._is_refused():
                await self._rejoin()

    async def _attempt_renewal(self) -> None:
        trouble = ""
        try:
            await self._exchange(self.transport)
        except ConnectionFailed as error:
            trouble = f"the node's credentials can't be renewed for now: {error}"
        except StatusError as error:
            if error.code == 401:
                await self._rejoin()
            else:
                trouble = f"the node's credentials can't be renewed: {error.message}"
        if trouble and trouble != self._trouble:  # it is tried every few seconds
            _log.warning("%s", trouble)
        self._trouble = trouble

    async def aclose(self) -> None:
        for each in (self.transport, self.proxy, self._joining):
            await each.aclose()

    async def _is_refused(self) -> bool:
        """Whether the server says that the token is not good."""
        try:
            await Client(self.transport, "strongroom-node").get(resources.NODES, self._node)
        except StatusError as error:
            return error.code == 401
        except ConnectionFailed:
            return False
        return False

    async def _rejoin(self) -> None:
        told = ""
        while True:
            try:
                await self._join()
                _log.warning("joined again as a new Node")
                self._joined_anew()
                return
            except (JoinError, ConnectionFailed) as error:
                if str(error) != told:
                    _log.error("this machine is out of the cluster: %s", error)
                told = str(error)
                await self._sleep(LOOK)

    async def _join(self) -> None:
        """Raises JoinError, ConnectionFailed."""
        self._joining.use_token(self._bootstrap_token())
        try:
            await self._exchange(self._joining)
        except StatusError as error:
            if error.code == 401:
                raise JoinError(
                    f"{self._server} does not take the token in {self._token_file}: it has expired, was "
                    "deleted, or is another cluster's (strongroom token create makes a new one)"
                ) from None
            if error.code in (429, 500, 503, 504):
                raise ConnectionFailed(error.message) from None
            raise JoinError(error.message) from None

    async def _exchange(self, transport: HTTPTransport) -> None:
        asked = {
            "kind": node_joining.KIND,
            "apiVersion": node_joining.API_VERSION,
            "spec": {"key": self._key, "podNetwork": self._pod_network},
        }
        answer = await Client(transport, "strongroom-node").create(
            resources.NODES, asked, subresource=node_joining.SUBRESOURCE, name=self._node
        )
        given = answer["status"]
        expires = duration.parse_timestamp(given["expirationTimestamp"])
        known = Credentials(
            self._server, self._node, given["token"], given["proxyToken"], self._clock.now(), expires
        )
        self._use(known)
        files.write_private(self._folder / "node.json", encode(known))

    def _use(self, known: Credentials) -> None:
        self._known = known
        self.transport.use_token(known.token)
        self.proxy.use_token(known.proxy_token)

    def _load(self) -> Credentials | None:
        try:
            found = decode(_private(self._folder / "node.json"))
        except FileNotFoundError:
            return None
        if found is None or (found.server, found.node) != (self._server, self._node):
            return None
        return found

    def _have_key(self) -> str:
        path = self._folder / "node.key"
        if not path.exists():
            files.write_private(path, secrets.token_urlsafe(32).encode() + b"\n")
        key = _private(path).decode("ascii", "replace").strip()
        if not node_joining.is_key(key):
            raise JoinError(f"{path}: not a key; remove it, and delete the Node, to have a new one made")
        return key

    def _bootstrap_token(self) -> str:
        if self._piped:
            return self._piped
        path = self._token_file
        try:
            text = path.read_bytes()[:1024].decode("ascii", "replace").strip()
            once = path.is_fifo()
        except OSError as error:
            raise JoinError(f"--token-file: {path}: {error.strerror}") from None
        if bootstrap_token.parse(text) is None:
            raise JoinError(f"--token-file: {path}: no token of the form [a-z0-9]{{6}}.[a-z0-9]{{16}}")
        if once:
            self._piped = text
        return text


def _private(path: Path) -> bytes:
    """Raises JoinError for a file that others may read, FileNotFoundError."""
    if path.stat().st_mode & 0o077:
        raise JoinError(f"{path}: others may read it: chmod 600 it, or delete the Node if others did")
    return path.read_bytes()
