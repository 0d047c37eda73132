"""The messages of the `channel.k8s.io` WebSocket protocols: one byte of channel, then data.

Kubernetes, KEP-4006 "Transition from SPDY to WebSockets": v4 carries the result as a `Status` on the error
channel; v5 adds a message that closes one channel, which is how the end of standard input is told.
"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
_CLOSE = 255

V5 = "v5.channel.k8s.io"
V4 = "v4.channel.k8s.io"
PROTOCOLS = (V5, V4)
"""What is spoken here, the best first."""

_MAX_SIZE = 0xFFFF


class Data(NamedTuple):
    """Bytes of one channel; none at all says only that the channel is there."""

    channel: int
    data: bytes


class Close(NamedTuple):
    """No more bytes will come on a channel."""

    channel: int


class Size(NamedTuple):
    """Of a terminal, in characters."""

    width: int
    height: int


def negotiate(offered: Sequence[str]) -> str | None:
    """The best protocol that both sides speak; None if there is none."""
    return next((protocol for protocol in PROTOCOLS if protocol in offered), None)


def encode(channel: int, data: bytes = b"") -> bytes:
    """A message with data."""
    return bytes((channel,)) + data


def encode_close(channel: int) -> bytes:
    """A message that closes a channel (v5)."""
    return bytes((_CLOSE, channel))


def decode(message: bytes, protocol: str) -> Data | Close | None:
    """What a message means; None if it means nothing in this protocol."""
    if not message:
        return None
    if message[0] == _CLOSE and protocol == V5:
        return Close(message[1]) if len(message) == 2 else None
    return Data(message[0], message[1:]) if message[0] <= RESIZE else None


def parse_size(data: bytes) -> Size | None:
    """The terminal's size in a message of the resize channel; None unless both numbers make sense."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict):
        return None
    width, height = value.get("Width"), value.get("Height")
    if type(width) is not int or type(height) is not int:
        return None
    return Size(width, height) if 0 < width <= _MAX_SIZE and 0 < height <= _MAX_SIZE else None
