"""`tcpSocket` probes."""

import asyncio
import socket

from strongroom.node.probes import tcp_socket
from strongroom.node.probes.outcome import Outcome
from strongroom.testing import ports


async def test_a_connection_is_enough() -> None:
    seen = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""
        seen.set()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await tcp_socket.probe("127.0.0.1", port, 5) == Outcome(True)
    async with asyncio.timeout(5):
        await seen.wait()
    server.close()


async def test_nobody_listens() -> None:
    port = ports.free_port()
    text = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert await tcp_socket.probe("127.0.0.1", port, 5) == Outcome(False, text)


async def test_nobody_answers() -> None:
    # A listener whose queue is full: what comes more gets no answer.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            outcome = await tcp_socket.probe("127.0.0.1", port, 0.05)
    assert outcome == Outcome(False, f"dial tcp 127.0.0.1:{port}: i/o timeout")
