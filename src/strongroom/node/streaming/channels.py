"""The messages of the `channel.k8s.io` WebSocket protocols: one byte of channel, then data.

Kubernetes, KEP-4006 "Transition from SPDY to WebSockets": v4 carries the result as a `Status` on the error
channel, the first version only the text of a failure; v5 adds a message that closes one channel, which is how
the end of standard input is told. The protocols with base64 in their names are for clients that can't send
bytes: a message is text, the channel a digit, the data base64.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import NamedTuple

import orjson

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
_CLOSE = 255

V5 = "v5.channel.k8s.io"
V4 = "v4.channel.k8s.io"
V4_BASE64 = "v4.base64.channel.k8s.io"
V1 = "channel.k8s.io"
V1_BASE64 = "base64.channel.k8s.io"
PROTOCOLS = (V5, V4, V4_BASE64, V1, V1_BASE64)
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


def negotiate(offered: Sequence[str], served: Sequence[str] = PROTOCOLS) -> str | None:
    """The first of `served` that the other side speaks; None if there is none."""
    return next((protocol for protocol in served if protocol in offered), None)


def encode(channel: int, data: bytes = b"") -> bytes:
    """A message with data."""
    return bytes((channel,)) + data


def is_text(protocol: str) -> bool:
    """Whether messages are text."""
    return protocol in (V4_BASE64, V1_BASE64)


def encode_text(channel: int, data: bytes = b"") -> str:
    """A message with data in a protocol that `is_text`."""
    return f"{channel}{base64.b64encode(data).decode()}"


def encode_result(status: bytes, protocol: str) -> bytes:
    """What is told on the error channel in the end, of a result that is a `Status` in JSON."""
    if protocol not in (V1, V1_BASE64):
        return status
    failure: str = orjson.loads(status).get("message", "")
    return failure.encode()


def encode_close(channel: int) -> bytes:
    """A message that closes a channel (v5)."""
    return bytes((_CLOSE, channel))


def decode(message: bytes, protocol: str) -> Data | Close | None:
    """What a message means; None if it means nothing in this protocol."""
    if not message:
        return None
    if is_text(protocol):
        try:
            return Data(int(message[:1]), base64.b64decode(message[1:], validate=True))
        except (ValueError, binascii.Error):
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
