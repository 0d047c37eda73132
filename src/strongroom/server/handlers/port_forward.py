"""`pods/portforward`: which protocols are spoken, and what the node is asked for."""

from collections.abc import Sequence
from typing import Final

from strongroom.machinery import integers, status
from strongroom.server.request import Request

SUBRESOURCE: Final = "portforward"
TUNNEL: Final = "SPDY/3.1+portforward.k8s.io"
"""SPDY frames inside of WebSocket messages, as kubectl sends them since 1.31."""
CHANNELS: Final = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io")
"""Two channels for each port that the query names; client libraries speak so."""
UNNAMED: Final = CHANNELS[0]
"""The protocol of who names none."""
PROTOCOLS: Final = (TUNNEL, *CHANNELS)
_MAX: Final = 65535


def query(request: Request) -> Sequence[tuple[str, str]]:
    """The node's query. Raises StatusError 400."""
    found = []
    for value in request.query.get("ports", ()):
        for port in value.split(","):
            if not port.isascii() or not port.isdigit() or integers.parse(port, 1, _MAX) is None:
                raise status.bad_request(f"invalid port {port!r}: must be a number between 1 and {_MAX}")
            found.append(("port", port))
    return found


def check(protocols: Sequence[str], asked: Sequence[tuple[str, str]]) -> None:
    """Raises StatusError 400 for a client that names its ports nowhere."""
    if TUNNEL not in protocols and not asked:
        raise status.bad_request('query parameter "port" is required')
