"""How the server reaches a node's endpoint: exec, attach, port-forward and logs go on from here."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.api import node_joining
from strongroom.machinery import status
from strongroom.machinery.gvk import Object

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS = 10.0
CHUNK = 64 * 1024
MOST_PINS = 1024
"""Certificates that are kept; nodes get new ones, and go."""
_ERROR_BODY = 64 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}")

Query = Sequence[tuple[str, str]]


class Endpoint(NamedTuple):
    """`certificate`: the SHA-256 of what it shows, in hex."""

    host: str
    port: int
    node: str = ""
    certificate: str = ""

    def url(self, path: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}{path}"


def endpoint(node: Object) -> Endpoint:
    """Where a node says that it can be reached. Raises StatusError 500."""
    found, metadata = node.get("status") or {}, node["metadata"]
    name, annotations = metadata["name"], metadata.get("annotations") or {}
    port = ((found.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
    addresses = {a.get("type"): a.get("address") for a in reversed(found.get("addresses") or ())}
    for kind in ("InternalIP", "ExternalIP", "Hostname"):
        if (host := addresses.get(kind)) and port:
            return Endpoint(host, port, name, annotations.get(node_joining.CERTIFICATE_ANNOTATION) or "")
    raise status.internal_error(f"no preferred addresses found for node {name}")


class NodeConnector:
    """Connections to nodes.

    A node is known by its certificate, whose digest it has written to its Node, where no other node can.
    Nothing is sent before the certificate is seen to be that one. `proof` makes the token that a node of that
    name takes, and no other does.
    """

    def __init__(self, proof: Callable[[str], str]) -> None:
        self._proof = proof
        self._pins: dict[str, aiohttp.Fingerprint] = {}
        self._session: aiohttp.ClientSession | None = None

    def _opened(self) -> "aiohttp.ClientSession":
        import aiohttp  # takes 0.3 s, which no start should wait for

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            tracing = aiohttp.TraceConfig()
            tracing.on_request_redirect.append(_stay)
            self._session = aiohttp.ClientSession(
                timeout=timeout,
                auto_decompress=False,
                connector=aiohttp.TCPConnector(limit=0),
                trace_configs=[tracing],
            )
        return self._session

    def _credentials(self, node: Endpoint) -> dict[str, Any]:
        """Raises StatusError 500 for a node whose certificate is not known."""
        import aiohttp

        if not _DIGEST.fullmatch(node.certificate):
            text = f"node {node.node} has not told its certificate"
            raise status.internal_error(f"error dialing backend: {node.host}:{node.port}: {text}")
        # Connections are kept by this very object.
        pin = self._pins.get(node.certificate)
        if pin is None:
            if len(self._pins) >= MOST_PINS:
                del self._pins[next(iter(self._pins))]
            pin = self._pins[node.certificate] = aiohttp.Fingerprint(bytes.fromhex(node.certificate))
        return {"ssl": pin, "headers": {"Authorization": f"Bearer {self._proof(node.node)}"}}

    @asynccontextmanager
    async def stream(self, node: Endpoint, path: str, query: Query) -> AsyncIterator[AsyncIterator[bytes]]:
        """A GET whose body is read as it comes. Raises StatusError with the node's own words."""
        import aiohttp

        known = self._credentials(node)
        try:
            async with self._opened().get(node.url(path), params=list(query), **known) as answer:
                if answer.status != 200:
                    raise refusal(answer.status, await _error_text(answer))
                yield answer.content.iter_chunked(CHUNK)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _unreachable(node, error) from error

    async def websocket(
        self, node: Endpoint, path: str, query: Query, protocols: Sequence[str]
    ) -> "aiohttp.ClientWebSocketResponse":
        """An open WebSocket with one of `protocols`. Raises StatusError with the node's own words."""
        import aiohttp

        known = self._credentials(node)
        try:
            opened: aiohttp.ClientWebSocketResponse = await self._opened().ws_connect(
                node.url(path),
                params=list(query),
                protocols=protocols,
                max_msg_size=0,
                autoping=True,
                **known,
            )
            return opened
        except aiohttp.WSServerHandshakeError as error:
            raise refusal(error.status, await self._why(node, path, query)) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _unreachable(node, error) from error

    async def refusal(self, node: Endpoint, path: str, query: Query) -> status.StatusError | None:
        """Why the node would not open a WebSocket; None when nothing but the upgrade is missing."""
        import aiohttp

        try:
            known = self._credentials(node)
            async with self._opened().get(node.url(path), params=list(query), **known) as answer:
                if answer.status == 400:
                    return None
                return refusal(answer.status, await _error_text(answer))
        except status.StatusError as error:
            return error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return _unreachable(node, error)

    async def _why(self, node: Endpoint, path: str, query: Query) -> str:
        """A refused handshake has lost its body: the same request without the upgrade may tell it."""
        import aiohttp

        known = self._credentials(node)
        try:
            async with self._opened().get(node.url(path), params=list(query), **known) as answer:
                return await _error_text(answer)
        except (TimeoutError, aiohttp.ClientError, OSError):
            return ""

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def refusal(code: int, text: str) -> status.StatusError:
    """A node's plain answer as a Status."""
    text = text.strip() or f"the node answered {code}"
    if code == 400:
        return status.bad_request(text)
    if code == 404:
        return status.StatusError(404, "NotFound", text, {})
    return status.internal_error(text)


async def _stay(_: "aiohttp.ClientSession", __: Any, redirect: "aiohttp.TraceRequestRedirectParams") -> None:
    """A node does not send the server elsewhere: whom it would ask there, and what, is not the node's to say.

    (WebSockets have no argument for that.) Raises aiohttp.ClientError."""
    import aiohttp

    redirect.response.close()
    raise aiohttp.ClientError("the node answered with a redirect")


def _unreachable(node: Endpoint, error: Exception) -> status.StatusError:
    import aiohttp

    why = str(error) or type(error).__name__
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        why = f"what answers there is not node {node.node}: it shows another certificate"
    return status.internal_error(f"error dialing backend: {node.host}:{node.port}: {why}")


async def _error_text(answer: "aiohttp.ClientResponse") -> str:
    return (await answer.content.read(_ERROR_BODY)).decode(errors="replace")
