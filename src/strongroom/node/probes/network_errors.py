"""How Go words what goes wrong on the network: the texts that Kubernetes' events show."""

import errno
import os
import socket
import ssl

_WORDS = {errno.ETIMEDOUT: "connection timed out", errno.ECONNREFUSED: "connection refused"}


def dialing(address: str, error: BaseException) -> str:
    """Why no connection came to be, as `dial tcp 10.0.0.1:80: connect: connection refused`."""
    return f"dial tcp {address}: {_reason(error)}"


def joined(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "i/o timeout"
    if isinstance(error, socket.gaierror):
        return "lookup: no such host"
    if isinstance(error, ssl.SSLError):
        return f"tls: {error.reason or 'handshake failure'}"
    if isinstance(error, OSError):
        number = _number(error)
        if number is not None:
            return f"connect: {_WORDS.get(number) or os.strerror(number).lower()}"
    return "connect: connection refused"


def _number(error: OSError) -> int | None:
    """The error's number; asyncio puts several failed addresses into one error without any."""
    if error.errno:
        return error.errno
    grouped = getattr(error, "exceptions", ())
    return next((inner.errno for inner in grouped if isinstance(inner, OSError) and inner.errno), None)
