"""The transport over HTTP, against a small server of the same loop."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from strongroom.client import transport

_FOLLOW = web.AppKey("follow", asyncio.Event)


async def _echo(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "authorization": request.headers.get("authorization"),
            "body": await request.text(),
        },
        status=201,
    )


async def _stream(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"one\n")
    if request.query.get("break"):
        assert request.transport is not None
        request.transport.abort()
        return answer
    try:
        await asyncio.Event().wait()
    finally:
        request.app[_FOLLOW].set()
    return answer


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application(handler_args={"handler_cancellation": True})
    app[_FOLLOW] = asyncio.Event()
    app.router.add_get("/stream", _stream)
    app.router.add_route("*", "/{tail:.*}", _echo)
    server = TestServer(app)
    async with server:
        yield server


@pytest.fixture
async def client(server: TestServer) -> AsyncIterator[transport.HTTPTransport]:
    client = transport.HTTPTransport(str(server.make_url("/")), "t0ken")
    yield client
    await client.aclose()


async def test_a_request_goes_as_it_was_written(client: transport.HTTPTransport) -> None:
    answer = await client.request(
        "PUT", "/api/v1/namespaces/a%2Fb/x", query=[("fieldSelector", "a=b c")], body=b"{}"
    )
    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.body == (
        b'{"method": "PUT", "path": "/api/v1/namespaces/a%2Fb/x?fieldSelector=a%3Db+c", '
        b'"authorization": "Bearer t0ken", "body": "{}"}'
    )


async def test_chunks_arrive_as_they_are_sent_and_leaving_ends_it(
    client: transport.HTTPTransport, server: TestServer
) -> None:
    async with client.stream("GET", "/stream") as answer:
        assert await anext(answer.chunks) == b"one\n"
    assert server.app is not None
    await asyncio.wait_for(server.app[_FOLLOW].wait(), 5)


async def test_a_cut_stream_is_a_failed_connection(client: transport.HTTPTransport) -> None:
    with pytest.raises(transport.ConnectionFailed):
        async with client.stream("GET", "/stream", query=[("break", "1")]) as answer:
            await answer.read()


async def test_a_silent_stream_is_a_failed_connection(client: transport.HTTPTransport) -> None:
    async with client.stream("GET", "/stream", idle_timeout=0.02) as answer:
        assert await anext(answer.chunks) == b"one\n"
        with pytest.raises(transport.ConnectionFailed):
            await anext(answer.chunks)


async def test_an_error_of_the_reader_stays_its_own(client: transport.HTTPTransport) -> None:
    with pytest.raises(OSError, match="disk full"):
        async with client.stream("GET", "/stream"):
            raise OSError("disk full")


async def test_a_server_that_is_not_there_is_a_failed_connection(unused_tcp_port: int) -> None:
    client = transport.HTTPTransport(f"http://127.0.0.1:{unused_tcp_port}", "t0ken")
    with pytest.raises(transport.ConnectionFailed) as caught:
        await client.request("GET", "/")
    assert f"127.0.0.1:{unused_tcp_port}" in str(caught.value)
    assert "t0ken" not in str(caught.value)
    await client.aclose()


async def test_a_server_without_tls_is_refused_under_https(server: TestServer) -> None:
    client = transport.HTTPTransport(
        f"https://127.0.0.1:{server.port}", "t0ken", ssl.create_default_context()
    )
    with pytest.raises(transport.ConnectionFailed):
        await client.request("GET", "/")
    await client.aclose()


async def test_a_closed_transport_sends_nothing(client: transport.HTTPTransport) -> None:
    await client.request("GET", "/")
    await client.aclose()
    await client.aclose()
    with pytest.raises(transport.ConnectionFailed):
        await client.request("GET", "/")
