"""Telling systemd that the service is ready (`sd_notify(3)`), when it asked to be told."""

import os
import socket


def notify(state: str) -> None:
    """Send `state` (such as `READY=1`) to the socket in NOTIFY_SOCKET; nothing happens when there is none."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or address[0] not in "/@":
        return
    if address[0] == "@":
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(state.encode(), address)
        except OSError:
            return  # the manager is gone; the service goes on
