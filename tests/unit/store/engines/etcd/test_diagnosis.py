"""What is told of a server that resets the connection of a client with TLS."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from strongroom.store.engines.etcd import diagnosis
from strongroom.store.engines.etcd import endpoint as endpoints

SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
Serve = Callable[[bool], str]


def _answer(listener: socket.socket, greets: bool) -> None:
    """Resets each connection unless the client begins as HTTP/2 without TLS does, and is greeted back."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            if greets and connection.recv(3) == b"PRI":
                connection.sendall(SETTINGS)
            else:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server, and tells its URL with TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def start(greets: bool) -> str:
            threading.Thread(target=_answer, args=(listener, greets), daemon=True).start()
            return f"etcds://127.0.0.1:{listener.getsockname()[1]}"

        yield start
        listener.shutdown(socket.SHUT_RDWR)


def test_one_that_speaks_http_2_without_tls_is_told_apart_from_one_that_only_resets(serve: Serve) -> None:
    said = diagnosis.of(endpoints.parse(serve(True)))
    assert said.endswith("it does not speak TLS: write etcd://")


def test_one_that_only_resets_is_asked_about(serve: Serve) -> None:
    assert diagnosis.of(endpoints.parse(serve(False))).endswith(
        "it has closed the connection: does it speak TLS?"
    )
