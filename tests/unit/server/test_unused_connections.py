"""Connections without a request are cut off; those in use never are. Through TLS, with short limits."""

import asyncio
import contextlib
import json
import ssl
import struct
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from strongroom.aio import tasks
from strongroom.cmd import pki
from strongroom.server.connections.idle import Limits
from strongroom.server.listener import Listener
from strongroom.testing.api_server import APIServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")

SECRETS = "/api/v1/namespaces/default/secrets"
ADMIN = "Host: x\r\nAuthorization: Bearer admin\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, SETTINGS_TAKEN = b"\0\0\0\4\0\0\0\0\0", b"\0\0\0\4\1\0\0\0\0"
VERSION = b"\0\0\x0f\1\5\0\0\0\1\x82\x87\x41\x01x\x04\x08/version"
"""HEADERS of a GET by HTTP/2."""
SHORT = Limits(crowded=100, first_request=1, idle=1, settling=0.1, sweep=0.1)
Connect = Callable[..., Any]


@pytest.fixture
async def group() -> AsyncIterator[tasks.TaskGroup]:
    async with tasks.TaskGroup("client") as made:
        yield made


@pytest.fixture
async def connect(
    server: APIServer, authority: pki.Authority, pair: pki.ServingCertificate
) -> AsyncIterator[Connect]:
    """`await connect(limits, "h2")`: a connection that speaks this, to a listener with these limits."""
    listeners: list[Listener] = []
    starting = asyncio.Lock()
    writers: list[asyncio.StreamWriter] = []

    async def open_one(
        limits: Limits, protocol: str | None = "http/1.1"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with starting:
            if not listeners:
                listeners.append(Listener(server.app, "127.0.0.1", 0, pair.certificate, pair.key, limits))
                await listeners[0].start()
        context = ssl.create_default_context(cadata=authority.pem.decode())
        if protocol is not None:
            context.set_alpn_protocols([protocol])
        made = await asyncio.open_connection(
            "127.0.0.1", listeners[0].port, ssl=context if protocol else None
        )
        writers.append(made[1])
        return made

    async with asyncio.timeout(30):
        yield open_one
        for writer in writers:
            writer.close()
        for listener in listeners:
            await listener.close()


async def _to_its_end(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        return await reader.read()
    return b""


PARTS = {
    "no handshake": (None, b""),
    "half a handshake": (None, b"\x16\x03\x01\x02\0\1"),
    "nothing by HTTP/1.1": ("http/1.1", b""),
    "nothing by HTTP/2": ("h2", b""),
    "one letter": ("http/1.1", b"P"),
    "half a line": ("http/1.1", b"GET /ver"),
    "half a head": ("http/1.1", b"GET /version HTTP/1.1\r\nHost: x\r\n"),
    "half a preface": ("h2", PREFACE[:10]),
    "a preface": ("h2", PREFACE),
    "settings": ("h2", PREFACE + SETTINGS + SETTINGS_TAKEN),
    "half a frame": ("h2", PREFACE + SETTINGS + VERSION[:15]),
    "headers without their end": ("h2", PREFACE + SETTINGS + b"\0\0\4\1\0\0\0\0\1\x82\x87\x84\x86"),
}


async def test_a_client_that_sends_nothing_or_half_a_request_after_the_handshake_is_cut_off(
    connect: Connect,
) -> None:
    """Each of them; and one that does not get as far as that."""

    async def answer(protocol: str | None, sent: bytes) -> bytes:
        reader, writer = await connect(SHORT._replace(idle=60), protocol)
        writer.write(sent)
        return await _to_its_end(reader)

    answers = await asyncio.gather(*(answer(*part) for part in PARTS.values()))
    assert not any(each.startswith(b"HTTP/1.1 2") for each in answers)


async def test_a_client_that_sends_its_head_drop_by_drop_is_cut_off(
    connect: Connect, group: tasks.TaskGroup
) -> None:
    reader, writer = await connect(SHORT._replace(idle=60))
    writer.write(b"GET /version HTTP/1.1\r\nHost: ")

    async def drip() -> None:
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(0.05)

    group.spawn("end", drip())
    assert await _to_its_end(reader) == b""


async def test_a_connection_that_rests_is_cut_off_http_1(connect: Connect) -> None:
    reader, writer = await connect(SHORT._replace(first_request=60))
    writer.write(f"GET /version HTTP/1.1\r\n{ADMIN}\r\n".encode())
    assert (await _to_its_end(reader)).startswith(b"HTTP/1.1 200 OK")


async def test_a_connection_that_rests_is_cut_off_http_2(connect: Connect, group: tasks.TaskGroup) -> None:
    """However eagerly it answers the server's pings."""
    reader, writer = await connect(SHORT._replace(first_request=60), "h2")
    writer.write(PREFACE + SETTINGS + SETTINGS_TAKEN + VERSION)

    async def ping() -> None:
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"\0\0\x08\6\0\0\0\0\0" + bytes(8))
                await asyncio.sleep(0.05)

    group.spawn("end", ping())
    frames = await _to_its_end(reader)
    assert len(frames) > 200  # Its settings, and headers of an answer.


async def test_a_kept_connection_is_not_cut_before_its_time(connect: Connect) -> None:
    """What has made a request has the longer limit."""
    reader, writer = await connect(SHORT._replace(first_request=1.5, idle=60))
    for _ in range(2):
        writer.write(f"GET /version HTTP/1.1\r\n{ADMIN}\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        assert b"gitVersion" in await reader.readuntil(b"\n}")
        await asyncio.sleep(2)


async def test_a_connection_with_a_request_now_and_then_stays(connect: Connect) -> None:
    reader, writer = await connect(SHORT._replace(first_request=60, idle=2))
    for _ in range(8):
        writer.write(f"GET /version HTTP/1.1\r\n{ADMIN}\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        await reader.readuntil(b"\n}")
        await asyncio.sleep(0.4)


async def test_a_quiet_watch_is_not_cut(server: APIServer, connect: Connect) -> None:
    reader, writer = await connect(SHORT)
    writer.write(f"GET {SECRETS}?watch=true HTTP/1.1\r\n{ADMIN}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(2)
    await server.create_secret("a")
    await reader.readline()
    assert json.loads(await reader.readline())["type"] == "ADDED"


async def test_a_quiet_watch_over_websocket_is_not_cut_and_rests_when_it_is_over(
    server: APIServer, connect: Connect, authority: pki.Authority
) -> None:
    _, writer = await connect(SHORT)
    port = writer.get_extra_info("peername")[1]
    trust = ssl.create_default_context(cadata=authority.pem.decode())
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer admin"}) as session:
        path = f"wss://127.0.0.1:{port}{SECRETS}?watch=1"
        async with session.ws_connect(path, ssl=trust) as watch:
            await asyncio.sleep(2)
            await server.create_secret("a")
            assert (await watch.receive_json())["type"] == "ADDED"


async def test_two_streams_of_one_connection_a_watch_keeps_both(
    connect: Connect, group: tasks.TaskGroup
) -> None:
    """By HTTP/2: a watch that is quiet, and a request long before."""
    reader, writer = await connect(SHORT, "h2")
    path = f"{SECRETS}?watch=1".encode()
    block = b"\x82\x87\x41\x01x\x04" + bytes([len(path)]) + path
    token = b"Bearer admin"
    block += b"\x0f\x08" + bytes([len(token)]) + token
    watch = struct.pack(">I", len(block))[1:] + b"\1\5\0\0\0\3" + block
    writer.write(PREFACE + SETTINGS + SETTINGS_TAKEN + VERSION + watch)
    end = group.spawn("end", _to_its_end(reader))
    await asyncio.sleep(2.5)
    assert not end.done()


async def test_when_there_are_too_many_those_that_wait_make_room(
    connect: Connect, group: tasks.TaskGroup
) -> None:
    patient = SHORT._replace(first_request=60, idle=60, crowded=20)
    watching, writer = await connect(patient)
    writer.write(f"GET {SECRETS}?watch=true HTTP/1.1\r\n{ADMIN}\r\n".encode())
    await watching.readuntil(b"\r\n\r\n")
    idle = [await connect(patient) for _ in range(60)]
    ends = [group.spawn("end", _to_its_end(reader)) for reader, _ in idle]
    while sum(end.done() for end in ends) < 41:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    assert sum(end.done() for end in ends) == 41
    assert not watching.at_eof()
