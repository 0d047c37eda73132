import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from strongroom.aio import tasks
from strongroom.cmd import pki
from strongroom.server import listener as listener_module
from strongroom.server.listener import Listener, ListenError
from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"


@asynccontextmanager
async def _connected(authority: pki.Authority, listener: Listener, **settings: Any) -> AsyncIterator[Any]:
    context = ssl.create_default_context(cadata=authority.pem.decode())
    for name, value in settings.items():
        setattr(context, name, value)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.close()


def _request(method: str, target: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Authorization: Bearer admin", *headers]
    if body:
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:-2])
    }
    body = await reader.readexactly(int(headers["content-length"])) if "content-length" in headers else b""
    return int(lines[0].split(" ")[1]), headers, body


async def test_requests_over_tls_on_one_connection(
    server: APIServer, authority: pki.Authority, listener: Listener
) -> None:
    async with asyncio.timeout(5), _connected(authority, listener) as (reader, writer):
        writer.write(_request("POST", SECRETS, b'{"metadata":{"name":"a"},"stringData":{"k":"v"}}'))
        created, _, body = await _answer(reader)
        assert created == 201
        writer.write(_request("GET", f"{SECRETS}/a"))
        code, headers, again = await _answer(reader)
        assert (code, again) == (200, body)
        assert headers["content-type"] == "application/json"
        assert headers["audit-id"]


async def test_head_of_a_watch_is_sent_at_once_and_events_follow(
    server: APIServer, authority: pki.Authority, listener: Listener
) -> None:
    async with asyncio.timeout(5), _connected(authority, listener) as (reader, writer):
        writer.write(_request("GET", f"{SECRETS}?watch=true"))
        code, headers, _ = await _answer(reader)
        assert code == 200
        assert headers["transfer-encoding"] == "chunked"
        await server.create_secret("a")
        await reader.readline()
        assert json.loads(await reader.readline())["type"] == "ADDED"


async def test_client_that_leaves_a_watch_is_noticed(
    server: APIServer, authority: pki.Authority, listener: Listener
) -> None:
    rows = server.cache.resource("/registry/secrets/")
    async with asyncio.timeout(5):
        async with _connected(authority, listener) as (reader, writer):
            writer.write(_request("GET", f"{SECRETS}?watch=true"))
            await _answer(reader)
            assert len(rows.subscriptions) == 1
        while rows.subscriptions:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.005)


async def test_closing_ends_watches_first(
    server: APIServer, authority: pki.Authority, listener: Listener
) -> None:
    async with asyncio.timeout(5), _connected(authority, listener) as (reader, writer):
        writer.write(_request("GET", f"{SECRETS}?watch=true"))
        await _answer(reader)
        await server.app.close()
        await listener.close()
        assert (await reader.read()).endswith(b"0\r\n\r\n")


async def test_old_versions_of_tls_are_refused(authority: pki.Authority, listener: Listener) -> None:
    async with _connected(authority, listener, maximum_version=ssl.TLSVersion.TLSv1_2):
        pass
    with pytest.warns(DeprecationWarning), pytest.raises(ssl.SSLError):
        async with _connected(
            authority,
            listener,
            minimum_version=ssl.TLSVersion.TLSv1_1,
            maximum_version=ssl.TLSVersion.TLSv1_1,
        ):
            pass


async def test_port_that_is_taken(
    server: APIServer, listener: Listener, pair: pki.ServingCertificate
) -> None:
    second = Listener(server.app, "127.0.0.1", listener.port, pair.certificate, pair.key)
    with pytest.raises(
        ListenError, match=f"can't listen on 127.0.0.1:{listener.port}: Address already in use"
    ):
        await second.start()
    await second.close()


async def test_host_that_is_not_here(server: APIServer, pair: pki.ServingCertificate) -> None:
    with pytest.raises(ListenError, match=r"can't listen on 192\.0\.2\.1:0: "):
        await Listener(server.app, "192.0.2.1", 0, pair.certificate, pair.key).start()


async def test_certificate_that_can_not_be_used(server: APIServer, tmp_path: Path) -> None:
    (tmp_path / "crt").write_text("no certificate")
    (tmp_path / "key").write_text("no key")
    for name in ("crt", "missing"):
        with pytest.raises(ListenError, match="can't use the certificate"):
            await Listener(server.app, "127.0.0.1", 0, tmp_path / name, tmp_path / "key").start()


async def test_head_that_does_not_end_is_not_waited_for(
    server: APIServer, authority: pki.Authority, pair: pki.ServingCertificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However busily it comes."""
    monkeypatch.setattr(listener_module, "HEAD_SECONDS", 1)
    listener = Listener(server.app, "127.0.0.1", 0, pair.certificate, pair.key)
    await listener.start()
    async with asyncio.timeout(10), _connected(authority, listener) as (reader, writer):

        async def drip() -> None:
            writer.write(b"GET /version HTTP/1.1\r\nHost: ")
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.05)

        dripping = tasks.TaskGroup("drip")
        dripping.spawn("drip", drip())
        assert await reader.read() == b""
        await dripping.aclose()
    await listener.close()
