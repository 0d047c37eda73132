"""Bytes pass both ways, each end by itself."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from strongroom.node.service_proxy.relay import Relay


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """Answers with all that it was sent, once the sender has ended."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_sender_that_ends_still_gets_its_answer(echo: int) -> None:
    relay = Relay("127.0.0.1", ("127.0.0.1", echo))
    await relay.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    sent = bytes(range(256)) * 4000
    writer.write(sent)
    writer.write_eof()
    async with asyncio.timeout(5):
        assert await reader.read() == sent
    writer.close()
    await relay.aclose()


async def test_nobody_behind_it_closes_the_connection(unused_tcp_port: int) -> None:
    relay = Relay("127.0.0.1", ("127.0.0.1", unused_tcp_port))
    await relay.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await relay.aclose()


async def test_open_connections_end_with_it(echo: int) -> None:
    relay = Relay("127.0.0.1", ("127.0.0.1", echo))
    await relay.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"x")
    await asyncio.sleep(0)
    await relay.aclose()
    async with asyncio.timeout(5):
        await reader.read()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", relay.port)
    writer.close()
