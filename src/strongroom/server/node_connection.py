"""How the server reaches a node's endpoint: exec, attach, port-forward and logs go on from here."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from strongroom.machinery import status
from strongroom.machinery.gvk import Object

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS = 10.0
CHUNK = 64 * 1024
_ERROR_BODY = 64 * 1024

Query = Sequence[tuple[str, str]]


class Endpoint(NamedTuple):
    host: str
    port: int

    def url(self, path: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}{path}"


def endpoint(node: Object) -> Endpoint:
    """Where a node says that it can be reached. Raises StatusError 500."""
    found = node.get("status") or {}
    port = ((found.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
    addresses = {a.get("type"): a.get("address") for a in reversed(found.get("addresses") or ())}
    for kind in ("InternalIP", "ExternalIP", "Hostname"):
        if (host := addresses.get(kind)) and port:
            return Endpoint(host, port)
    raise status.internal_error(f"no preferred addresses found for node {node['metadata']['name']}")


class NodeConnector:
    """Connections to nodes, each proven with the server's token and checked against `ssl_context`."""

    def __init__(self, token: str, ssl_context: ssl.SSLContext) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}
        self._ssl = ssl_context
        self._session: aiohttp.ClientSession | None = None

    def _opened(self) -> "aiohttp.ClientSession":
        import aiohttp  # takes 0.3 s, which no start should wait for

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=timeout,
                auto_decompress=False,
                connector=aiohttp.TCPConnector(ssl=self._ssl, limit=0),
            )
        return self._session

    @asynccontextmanager
    async def stream(self, node: Endpoint, path: str, query: Query) -> AsyncIterator[AsyncIterator[bytes]]:
        """A GET whose body is read as it comes. Raises StatusError with the node's own words."""
        import aiohttp

        try:
            async with self._opened().get(node.url(path), params=list(query)) as answer:
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

        try:
            return await self._opened().ws_connect(
                node.url(path), params=list(query), protocols=protocols, max_msg_size=0, autoping=True
            )
        except aiohttp.WSServerHandshakeError as error:
            raise refusal(error.status, await self._why(node, path, query)) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _unreachable(node, error) from error

    async def refusal(self, node: Endpoint, path: str, query: Query) -> status.StatusError | None:
        """Why the node would not open a WebSocket; None when nothing but the upgrade is missing."""
        import aiohttp

        try:
            async with self._opened().get(node.url(path), params=list(query)) as answer:
                if answer.status == 400:
                    return None
                return refusal(answer.status, await _error_text(answer))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return _unreachable(node, error)

    async def _why(self, node: Endpoint, path: str, query: Query) -> str:
        """A refused handshake has lost its body: the same request without the upgrade tells it."""
        async with self._opened().get(node.url(path), params=list(query)) as answer:
            return await _error_text(answer)

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


def _unreachable(node: Endpoint, error: Exception) -> status.StatusError:
    why = str(error) or type(error).__name__
    return status.internal_error(f"error dialing backend: {node.host}:{node.port}: {why}")


async def _error_text(answer: "aiohttp.ClientResponse") -> str:
    return (await answer.content.read(_ERROR_BODY)).decode(errors="replace")
