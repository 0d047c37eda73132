"""The connections of a port, as Linux tells of them."""

import os
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.server.connections.kernel import Connections
from strongroom.server.connections.peers import written

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")


@pytest.fixture(params=["127.0.0.1", "::1"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    try:
        made = socket.create_server((request.param, 0), family=family)
    except OSError:
        pytest.skip("no such addresses here")
    with made:
        yield made


@pytest.fixture
def connections(listener: socket.socket) -> Iterator[Connections]:
    made = Connections(listener.family, listener.getsockname()[1])
    yield made
    made.close()


def connect(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    client = socket.create_connection(listener.getsockname()[:2])
    client.settimeout(5)
    return client, listener.accept()[0]


def inode(end: socket.socket) -> int:
    return os.fstat(end.fileno()).st_ino


def descriptors() -> list[str]:
    return sorted(each.name for each in Path("/proc/self/fd").iterdir())


def test_those_of_the_port_and_no_others(listener: socket.socket, connections: Connections) -> None:
    assert connections.open() == []
    pairs = [connect(listener) for _ in range(3)]
    with socket.create_server(("127.0.0.1", 0)) as other:
        pairs.append(connect(other))
        there = {each.inode: each.peer for each in connections.open()}
    assert there == {inode(server): written(client.getsockname()[:2]) for client, server in pairs[:3]}
    for pair in pairs:
        for end in pair:
            end.close()
    assert connections.open() == []


def test_a_client_by_ipv4_of_a_listener_for_both() -> None:
    """As Granian tells its address, so that the two are taken for the same."""
    try:
        both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    except (OSError, ValueError):
        pytest.skip("no such addresses here")
    with both, socket.create_connection(("127.0.0.1", both.getsockname()[1])) as client, both.accept()[0]:
        asked = Connections(both.family, both.getsockname()[1])
        (there,) = asked.open()
        asked.close()
        assert there.peer == written(("::ffff:127.0.0.1", client.getsockname()[1]))


def test_what_the_client_has_not_taken_yet(listener: socket.socket, connections: Connections) -> None:
    client, server = connect(listener)
    with client, server:
        assert connections.open()[0].unsent == 0
        server.setblocking(False)
        sent = 0
        while True:
            try:
                sent += server.send(bytes(1 << 20))
            except BlockingIOError:
                break
        (there,) = connections.open()
        assert 0 < there.unsent < sent
        assert there.unsent + there.taken in (sent, sent + 1)  # The handshake counts as one.
        client.recv(1 << 20)
        client.recv(1 << 20)


def test_one_is_cut_both_ways_and_the_others_are_not(
    listener: socket.socket, connections: Connections
) -> None:
    pairs = [connect(listener) for _ in range(3)]
    before = descriptors()
    assert connections.cut([inode(pairs[1][1])]) == 1
    assert descriptors() == before
    assert pairs[1][0].recv(1) == b""
    assert pairs[1][1].recv(1) == b""
    for client, server in (pairs[0], pairs[2]):
        client.send(b"x")
        assert server.recv(1) == b"x"
    assert {each.inode for each in connections.open()} == {inode(pairs[0][1]), inode(pairs[2][1])}
    for pair in pairs:
        for end in pair:
            end.close()


def test_a_socket_that_is_gone_is_nobody_elses(
    listener: socket.socket, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a descriptor and the cut, another file takes its number."""
    gone, stays = connect(listener), connect(listener)
    number, wanted = gone[1].fileno(), inode(gone[1])
    dup2 = os.dup2

    def late(descriptor: int, onto: int, inheritable: bool = True) -> int:
        if descriptor == number:
            dup2(stays[1].fileno(), number)
        return dup2(descriptor, onto, inheritable)

    monkeypatch.setattr(os, "dup2", late)
    assert connections.cut([wanted]) == 0
    stays[0].send(b"x")
    assert stays[1].recv(1) == b"x"
    for pair in (gone, stays):
        for end in pair:
            end.close()


def test_it_works_when_no_file_can_be_opened_any_more(
    listener: socket.socket, connections: Connections
) -> None:
    client, server = connect(listener)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    filling: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            while True:
                filling.append(os.dup(server.fileno()))
        (there,) = connections.open()
        assert there.inode == inode(server)
        assert connections.cut([there.inode]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in filling:
            os.close(each)
    assert client.recv(1) == b""
    client.close()
    server.close()


def test_where_the_kernel_does_not_tell() -> None:
    no_family = 44
    asked = Connections(no_family, 1)
    with pytest.raises(OSError, match=r"No such file or directory|Invalid argument"):
        asked.open()
    asked.close()
