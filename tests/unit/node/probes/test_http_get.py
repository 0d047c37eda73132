"""`httpGet` probes against servers of every kind."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from strongroom.cmd import pki
from strongroom.node.probes import http_get
from strongroom.node.probes.outcome import Outcome, ProbeError
from strongroom.testing import ports

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def probe() -> AsyncIterator[http_get.HTTPGet]:
    made = http_get.HTTPGet()
    yield made
    await made.aclose()


class Site:
    """A server that answers with a status by path, and notes requests."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.port = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        name = request.match_info["name"]
        if name == "same":
            raise web.HTTPFound("/status/204")
        if name == "other":
            raise web.HTTPFound("http://elsewhere.example/", text="gone there")
        if name == "loop":
            raise web.HTTPFound("/status/loop")
        return web.Response(status=int(name), body=b"x" * 100_000 if name != "204" else None)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async for made in serve():
        yield made


async def serve(context: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    made = Site()
    application = web.Application()
    application.router.add_get("/status/{name}", made.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    made.port = int(runner.addresses[0][1])
    yield made
    await runner.cleanup()


def url(site: Site, path: str) -> str:
    return f"http://127.0.0.1:{site.port}/status/{path}"


@pytest.mark.parametrize("status", [200, 204, 302, 399])
async def test_success(probe: http_get.HTTPGet, site: Site, status: int) -> None:
    assert await probe.probe(url(site, str(status)), {}, 5) == Outcome(True)


@pytest.mark.parametrize("status", [400, 404, 503])
async def test_failure(probe: http_get.HTTPGet, site: Site, status: int) -> None:
    text = f"HTTP probe failed with statuscode: {status}"
    assert await probe.probe(url(site, str(status)), {}, 5) == Outcome(False, text)


async def test_redirects(probe: http_get.HTTPGet, site: Site) -> None:
    assert await probe.probe(url(site, "same"), {}, 5) == Outcome(True)
    other = await probe.probe(url(site, "other"), {}, 5)
    assert other == Outcome(True, "Probe terminated redirects, Response body: gone there", True, True)
    text = f'Get "{url(site, "loop")}": stopped after 10 redirects'
    assert await probe.probe(url(site, "loop"), {}, 5) == Outcome(False, text)


async def test_headers(probe: http_get.HTTPGet, site: Site) -> None:
    given = [
        {"name": "X-A", "value": "1"},
        {"name": "Host", "value": "h.example"},
        {"name": "Accept", "value": ""},
    ]
    await probe.probe(url(site, "200"), http_get.headers({"httpHeaders": given}), 5)
    sent = site.requests[0].headers
    assert (sent["X-A"], sent["Host"], sent["User-Agent"]) == ("1", "h.example", "kube-probe/1.36")
    assert sent["Connection"] == "close"
    assert "Accept-Encoding" not in sent


def test_usual_headers() -> None:
    assert http_get.headers({}) == {"User-Agent": "kube-probe/1.36", "Accept": "*/*"}
    mine = {"httpHeaders": [{"name": "user-agent", "value": "me"}]}
    assert http_get.headers(mine) == {"user-agent": "me", "Accept": "*/*"}


async def test_any_certificate_will_do(probe: http_get.HTTPGet, tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    pair = pki.Authority.open_or_create(tmp_path, now).serving("other", ["other.example"], now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    async for site in serve(context):
        address = url(site, "200").replace("http:", "https:")
        assert await probe.probe(address, {"Host": "name.example:8443"}, 5) == Outcome(True)


async def test_nobody_listens(probe: http_get.HTTPGet) -> None:
    port = ports.free_port()
    text = f'Get "http://127.0.0.1:{port}/x": dial tcp 127.0.0.1:{port}: connect: connection refused'
    assert await probe.probe(f"http://127.0.0.1:{port}/x", {}, 5) == Outcome(False, text)


async def raw(handler: Handler) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
            await reader.read()  # until the client hangs up
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


async def test_a_server_that_hangs_is_given_up(probe: http_get.HTTPGet) -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async for address in raw(hang):
        outcome = await probe.probe(address, {}, 0.05)
        why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        assert outcome == Outcome(False, f'Get "{address}": {why}')


async def test_a_body_without_end_is_read_no_further_than_its_limit(probe: http_get.HTTPGet) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 1 << 30:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    async for address in raw(flood):
        assert await probe.probe(address, {}, 5) == Outcome(True)
    assert sent < 1 << 26


async def test_a_body_that_hangs_is_no_answer(probe: http_get.HTTPGet) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    async for address in raw(half):
        with pytest.raises(ProbeError):
            await probe.probe(address, {}, 0.05)


@pytest.mark.parametrize("answer", [b"\x00\x01 garbage\r\n\r\n", b""])
async def test_what_is_not_http_fails(probe: http_get.HTTPGet, answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.write_eof()

    async for address in raw(talk):
        outcome = await probe.probe(address, {}, 5)
        assert not outcome.success
        assert outcome.text.startswith(f'Get "{address}": ')
