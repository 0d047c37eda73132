"""Whether a client's connection is still there, asked of the kernel.

The HTTP server tells of a client that left when it comes to its end among what the client sent. Who does not
read does not get there: an exec whose command takes no input holds the client's flood, and the end behind it.
"""

import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

Address = tuple[str, int]
_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED: Final = "01"


def is_connected(local: Address, remote: Address) -> bool:
    """Whether both directions of the connection are open. True where the kernel can't be asked."""
    try:
        lines = [line for table in _TABLES if table.exists() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return True
    return not lines or _is_open(lines, local, remote)


def _is_open(lines: Iterable[str], local: Address, remote: Address) -> bool:
    """The same, of the lines of `/proc/net/tcp` and `tcp6`."""
    wanted = {f"{host}:{remote[1]:04X}" for host in _written(remote[0])}
    port = f":{local[1]:04X}"
    for line in lines:
        _, ours, theirs, state, *_ = line.split()
        if theirs in wanted and ours.endswith(port):
            return state == _ESTABLISHED
    return False


def _written(host: str) -> Iterator[str]:
    """An address as the tables have it: words in the machine's own order, in hexadecimal. One of IPv4 may
    stand in either."""
    host = host.removeprefix("::ffff:")
    if ":" in host:
        yield _hexadecimal(socket.inet_pton(socket.AF_INET6, host))
    else:
        packed = socket.inet_pton(socket.AF_INET, host)
        yield _hexadecimal(packed)
        yield _hexadecimal(bytes(10) + b"\xff\xff" + packed)


def _hexadecimal(packed: bytes) -> str:
    words = (int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4))
    return "".join(f"{word:08X}" for word in words)
