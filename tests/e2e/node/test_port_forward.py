"""`kubectl port-forward`: ports of a Pod on this machine."""

import hashlib
import http.client
import os
import re
import select
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl

PATIENCE = 30.0


@pytest.fixture
def pod(kubectl: Kubectl) -> Kubectl:
    """kubectl in a namespace with the running Pod `p`: HTTP on port 80, what it is sent on port 7."""
    echo = "nginx & exec nc -ll -p 7 -e cat"
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("p", command=["sh", "-c", echo])))
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    listening = "until wget -q -O /dev/null 127.0.0.1 && nc 127.0.0.1 7 </dev/null; do sleep 0.1; done"
    kubectl.ok("exec", "p", "--", "sh", "-c", listening)
    return kubectl


@contextmanager
def forwarded(kubectl: Kubectl, *arguments: str) -> Iterator[tuple[list[int], "subprocess.Popen[bytes]"]]:
    """A running `kubectl port-forward`: its local ports, in the order in which they are asked for."""
    process = kubectl.start("port-forward", *arguments)
    try:
        assert process.stdout is not None
        shown = b""
        wanted = len(arguments) - 1
        while len(found := re.findall(rb"Forwarding from 127\.0\.0\.1:(\d+) -> \d+\n", shown)) < wanted:
            assert select.select([process.stdout], [], [], PATIENCE)[0], shown
            piece = os.read(process.stdout.fileno(), 65536)
            assert piece, shown.decode()
            shown += piece
        yield [int(port) for port in found], process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def get(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    finally:
        connection.close()


def echoed(port: int, data: bytes) -> bytes:
    """What comes back of `data`, sent whole and then half-closed."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:

        def send() -> None:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        got = b""
        while len(got) < len(data) and (piece := connection.recv(65536)):
            got += piece
        sender.join(PATIENCE)
    return got


def test_ports_of_a_pod(pod: Kubectl) -> None:
    with forwarded(pod, "pod/p", ":80", ":7") as ((web, echo), process):
        for _ in range(3):
            assert get(web) == b"<h1>Welcome to nginx!</h1>\n"
        data = os.urandom(4 << 20)
        assert hashlib.sha256(echoed(echo, data)).digest() == hashlib.sha256(data).digest()
        results: list[bytes] = []
        threads = [threading.Thread(target=lambda: results.append(get(web))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert results == [b"<h1>Welcome to nginx!</h1>\n"] * 8
        assert process.poll() is None


def test_a_port_where_nobody_listens(pod: Kubectl) -> None:
    process = pod.start("port-forward", "pod/p", ":81")
    assert process.stdout is not None
    try:
        port = int(re.findall(rb":(\d+) -> 81", process.stdout.readline())[0])
        with pytest.raises((OSError, http.client.HTTPException)):
            get(port)
        shown = b""
        while b"error forwarding port 81" not in shown and b"connection refused" not in shown:
            assert select.select([process.stdout], [], [], PATIENCE)[0], shown
            piece = os.read(process.stdout.fileno(), 65536)
            assert piece, shown
            shown += piece
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_what_cannot_be_reached(latest: Kubectl) -> None:
    assert 'pods "q" not found' in latest("port-forward", "pod/q", ":80").stderr
