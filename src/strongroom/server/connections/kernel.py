"""The connections to a port of this machine, listed by the kernel (sock_diag(7)) and cut off by shutdown(2).

Any user may do so with the sockets of the own process. What it takes is opened at the start: it is needed
most when no file can be opened any more.
"""

import contextlib
import os
import resource
import socket
import stat
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from strongroom.server.connections.idle import Connection

_SOCK_DIAG, _BY_FAMILY = 4, 20
_DUMP: Final = 0x301
"""NLM_F_REQUEST | NLM_F_DUMP."""
_ERROR, _DONE = 2, 3
_INFO: Final = 2
"""INET_DIAG_INFO, an attribute: `struct tcp_info`."""
_OPEN: Final = 1 << 1 | 1 << 8
"""ESTABLISHED, and CLOSE_WAIT: the client has nothing more to say."""
_BUFFER: Final = 1 << 17
_SECONDS: Final = 5.0

_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI2s2s16s16sI8s")
_ATTRIBUTE = struct.Struct("=HH")
# Of a message, from the end of its header: the other side's port and address; unsent bytes and the inode.
_PORT, _ADDRESS, _NUMBERS = 6, 24, struct.Struct("=56xIIII")
_LENGTH = 72
_TAKEN, _TAKEN_AT = struct.Struct("=Q"), 120
"""tcpi_bytes_acked."""


class Connections:
    """Those to `port` by IPv4 or IPv6. Raises OSError where the kernel can't be asked."""

    def __init__(self, family: int, port: int) -> None:
        self._family = family
        self._port = port
        self._sequence = 0
        self._diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG)
        self._diag.settimeout(_SECONDS)
        self._nothing = os.open(os.devnull, os.O_RDONLY)
        self._spare = os.dup(self._nothing)
        """A descriptor that takes the place of the socket's while that is cut off."""

    def open(self) -> list[Connection]:
        """Those that were taken from the port, be it by other processes. Raises OSError."""
        self._sequence += 1
        request = _REQUEST.pack(
            self._family,
            socket.IPPROTO_TCP,
            1 << (_INFO - 1),
            _OPEN,
            self._port.to_bytes(2, "big"),
            b"",
            b"",
            b"",
            0,
            b"\xff" * 8,
        )
        head = _HEADER.pack(_HEADER.size + len(request), _BY_FAMILY, _DUMP, self._sequence, 0)
        self._diag.send(head + request)
        return [each for each in self._answers() if each.inode]

    def _answers(self) -> Iterator[Connection]:
        while True:
            data = self._diag.recv(_BUFFER)
            at = 0
            while at + _HEADER.size <= len(data):
                length, kind, _, sequence, _ = _HEADER.unpack_from(data, at)
                if sequence == self._sequence:
                    body = memoryview(data)[at + _HEADER.size : at + length]
                    if kind == _DONE:
                        return
                    if kind == _ERROR:
                        code = -int.from_bytes(body[:4], "little", signed=True)
                        raise OSError(code, os.strerror(code))
                    yield _connection(body)
                at += length + 3 & ~3

    def cut(self, inodes: Iterable[int]) -> int:
        """End those of this process, both ways at once; how many there were.

        A descriptor may be closed and be another file's the next moment: so each is looked at again through
        one that is ours alone."""
        wanted, found = set(inodes), 0
        for descriptor in _descriptors():
            if not wanted:
                break
            try:
                inode = os.fstat(descriptor).st_ino
                if inode not in wanted or descriptor in (self._spare, self._nothing):
                    continue
                os.dup2(descriptor, self._spare, inheritable=False)
            except OSError:
                continue
            wanted.discard(inode)
            found += _shut_down(self._spare, inode)
        os.dup2(self._nothing, self._spare, inheritable=False)
        return found

    def close(self) -> None:
        self._diag.close()
        os.close(self._spare)
        os.close(self._nothing)


def _connection(body: memoryview) -> Connection:
    _, unsent, _, inode = _NUMBERS.unpack_from(body)
    peer = bytes(body[_PORT : _PORT + 2]) + bytes(body[_ADDRESS : _ADDRESS + 16])
    return Connection(inode, peer, unsent, _taken(body) if unsent else 0)


def _taken(body: memoryview) -> int:
    at = _LENGTH
    while at + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, at)
        if kind == _INFO and length >= _ATTRIBUTE.size + _TAKEN_AT + _TAKEN.size:
            return int(_TAKEN.unpack_from(body, at + _ATTRIBUTE.size + _TAKEN_AT)[0])
        at += max(length, _ATTRIBUTE.size) + 3 & ~3
    return 0


def _descriptors() -> Iterable[int]:
    try:
        return [int(each.name) for each in os.scandir("/proc/self/fd")]
    except OSError:
        # None is left to list them with; so most numbers are in use.
        return range(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _shut_down(descriptor: int, inode: int) -> bool:
    found = os.fstat(descriptor)
    if found.st_ino != inode or not stat.S_ISSOCK(found.st_mode):
        return False
    connection = socket.socket(fileno=descriptor)
    try:
        with contextlib.suppress(OSError):  # The client was faster.
            connection.shutdown(socket.SHUT_RDWR)
    finally:
        connection.detach()
    return True
