"""`httpGet` probes: a status from 200 to 399 is success."""

import ipaddress
from collections.abc import Mapping

import aiohttp
import yarl

from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import go_quote
from strongroom.node.probes import network_errors
from strongroom.node.probes.outcome import Outcome, ProbeError

_BODY_LIMIT = 10 * 1024
_REDIRECTS = 10
_USER_AGENT = "kube-probe/1.36"
_TIMEOUT = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"


class HTTPGet:
    """Asks over HTTP, each time on a connection of its own. To be closed with `aclose`."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def probe(self, address: str, headers: Mapping[str, str], timeout: float) -> Outcome:
        """Ask `address`, following redirects to the same host. Raises `ProbeError` for a body that ends
        too early or too late."""
        url = first = yarl.URL(address)
        for _ in range(_REDIRECTS):
            answer = await self._get(url, headers, timeout)
            if isinstance(answer, Outcome):
                return answer
            status, location, body = answer
            if not 300 <= status < 400 or not location:
                return _judge(status)
            try:
                url = url.join(yarl.URL(location))
            except ValueError:
                return Outcome(False, f'Get "{address}": failed to parse Location header')
            if url.host != first.host:
                text = body.decode(errors="replace")
                return Outcome(True, f"Probe terminated redirects, Response body: {text}", True, True)
        return Outcome(False, f"Get {go_quote(str(url))}: stopped after {_REDIRECTS} redirects")

    async def _get(
        self, url: yarl.URL, headers: Mapping[str, str], timeout: float
    ) -> Outcome | tuple[int, str, bytes]:
        """Status, `Location` and the begin of the body; or why there was no answer."""
        got = False
        try:
            async with self._open().get(
                url,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout),
                server_hostname=_server_name(url, headers),
            ) as answer:
                got = True
                body = await _beginning(answer.content)
                return answer.status, answer.headers.get("Location", ""), body
        except (aiohttp.ClientError, OSError, ValueError) as error:
            why = _reason(url, error)
            if got:
                raise ProbeError(why, "failure") from None
            return Outcome(False, f"Get {go_quote(str(url))}: {why}")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No certificate is checked: the request goes to the pod's own address, as the kubelet's does.
            connector = aiohttp.TCPConnector(ssl=False, force_close=True, limit=0, use_dns_cache=False)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=("Accept-Encoding",),
            )
        return self._session


def headers(request: Object) -> dict[str, str]:
    """The headers of a request: those of the probe, and the usual ones where it has none."""
    found = {str(each["name"]): str(each.get("value", "")) for each in request.get("httpHeaders") or ()}
    names = {name.lower() for name in found}
    for name, value in (("User-Agent", _USER_AGENT), ("Accept", "*/*")):
        if name.lower() not in names:
            found[name] = value
    # An empty value asks for the header to be left out.
    return {name: value for name, value in found.items() if value}


def _server_name(url: yarl.URL, headers: Mapping[str, str]) -> str | None:
    """The name in the TLS greeting: that of the `Host` header, as an address is none."""
    host = next((value for name, value in headers.items() if name.lower() == "host"), "")
    name = host.rpartition(":")[0] or host
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name if url.scheme == "https" and name else None
    return None


def _judge(status: int) -> Outcome:
    if 200 <= status < 400:
        return Outcome(True)
    return Outcome(False, f"HTTP probe failed with statuscode: {status}")


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    """The body, no more than the limit of it."""
    found = b""
    while len(found) < _BODY_LIMIT and (piece := await content.read(_BODY_LIMIT - len(found))):
        found += piece
    return found


def _reason(url: yarl.URL, error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return _TIMEOUT
    place = network_errors.joined(url.host or "", url.port or 80)
    if isinstance(error, aiohttp.ClientConnectorError):
        return network_errors.dialing(place, error.os_error)
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return "EOF"
    if isinstance(error, aiohttp.ClientOSError) or not isinstance(error, aiohttp.ClientError):
        return f"read tcp {place}: {_lower(error)}"
    return "net/http: HTTP/1.x transport connection broken: malformed HTTP response"


def _lower(error: Exception) -> str:
    return (getattr(error, "strerror", None) or type(error).__name__).lower()
