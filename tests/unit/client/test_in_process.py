"""The transport into an ASGI application of the same loop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from strongroom.aio import tasks
from strongroom.client import transport
from strongroom.client.in_process import Message

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = dict[str, Any]


async def _start(send: Send, status: int = 200) -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"Content-Type", b"text/plain")]}
    )


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    await _start(send, 201)
    await send({"type": "http.response.body", "body": b"<" + body, "more_body": True})
    await send({"type": "http.response.body", "body": b">"})


async def test_a_request_is_answered_whole() -> None:
    answer = await transport.InProcessTransport(_echo).request("POST", "/x", body=b"hello")
    assert (answer.status, answer.body) == (201, b"<hello>")
    assert answer.headers == {"content-type": "text/plain"}


async def test_the_scope_is_a_proper_one() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await _echo(scope, receive, send)

    await transport.InProcessTransport(app, "t0ken").request(
        "PUT",
        "/api/v1/namespaces/a%2Fb/x",
        query=[("fieldSelector", "metadata.name=é"), ("watch", "true")],
        headers={"Accept": "application/json"},
        body=b"{}",
    )
    scope = seen[0]
    assert scope["type"] == "http"
    assert scope["method"] == "PUT"
    assert (scope["path"], scope["raw_path"]) == ("/api/v1/namespaces/a/b/x", b"/api/v1/namespaces/a%2Fb/x")
    assert scope["query_string"] == b"fieldSelector=metadata.name%3D%C3%A9&watch=true"
    assert dict(scope["headers"]) == {
        b"host": b"in-process",
        b"authorization": b"Bearer t0ken",
        b"accept": b"application/json",
        b"content-length": b"2",
    }
    assert (scope["scheme"], scope["http_version"], scope["client"]) == ("https", "1.1", ("127.0.0.1", 0))


async def test_a_body_does_not_print() -> None:
    answer = await transport.InProcessTransport(_echo).request("POST", "/x", body=b"s3cret")
    assert "s3cret" not in repr(answer)


async def test_after_the_answer_the_application_sees_the_disconnect() -> None:
    messages: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _echo(scope, receive, send)
        messages.append((await receive())["type"])

    await transport.InProcessTransport(app).request("GET", "/")
    assert messages == ["http.disconnect"]


async def _silent(scope: Scope, receive: Receive, send: Send) -> None:
    return


async def _half(scope: Scope, receive: Receive, send: Send) -> None:
    await _start(send)
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


async def _raising(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("s3cret")


@pytest.mark.parametrize("app", [_silent, _half, _raising])
async def test_an_answer_that_is_not_whole_is_a_failed_connection(app: Any) -> None:
    with pytest.raises(transport.ConnectionFailed) as caught:
        await transport.InProcessTransport(app).request("GET", "/")
    assert "s3cret" not in str(caught.value)


async def test_a_failure_after_the_whole_answer_does_not_take_it_back() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _echo(scope, receive, send)
        raise RuntimeError

    answer = await transport.InProcessTransport(app).request("GET", "/")
    assert answer.body == b"<>"


async def test_cancelling_a_request_cancels_the_application() -> None:
    cancelled = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with tasks.TaskGroup("test") as group:
        task = group.spawn("request", transport.InProcessTransport(app).request("GET", "/"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
    assert task.cancelled()
    assert cancelled.is_set()


async def test_chunks_arrive_before_the_answer_ends() -> None:
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"two", "more_body": False})

    async with transport.InProcessTransport(app).stream("GET", "/") as answer:
        assert answer.status == 200
        assert await anext(answer.chunks) == b"one"
        go_on.set()
        assert await answer.read() == b"two"


async def test_a_stream_that_breaks_off_raises_after_what_came() -> None:
    got: list[bytes] = []
    with pytest.raises(transport.ConnectionFailed):
        async with transport.InProcessTransport(_half).stream("GET", "/") as answer, aclosing(answer.chunks):
            async for chunk in answer.chunks:
                got.append(chunk)
    assert got == [b"half"]


@pytest.mark.parametrize("app", [_silent, _raising])
async def test_a_stream_without_an_answer_is_a_failed_connection(app: Any) -> None:
    with pytest.raises(transport.ConnectionFailed):
        async with transport.InProcessTransport(app).stream("GET", "/"):
            pytest.fail("there was no answer")


async def test_a_reader_that_is_behind_holds_the_sender_back() -> None:
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await _start(send)
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
            sent += 1
        await send({"type": "http.response.body"})

    async with transport.InProcessTransport(app).stream("GET", "/") as answer:
        for _ in range(50):
            await asyncio.sleep(0)
        assert sent < 50
        assert len(await answer.read()) == 10_000_000
    assert sent == 1000


async def test_leaving_a_stream_disconnects_the_application() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await _start(send)
        seen.append((await receive())["type"])
        with pytest.raises(OSError, match="disconnected"):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        seen.append("send failed")
        await send({"type": "http.response.body"})
        seen.append("ended")

    async with transport.InProcessTransport(app).stream("GET", "/"):
        await asyncio.sleep(0)
    assert seen == ["http.disconnect", "send failed", "ended"]


async def test_a_sender_that_waits_for_its_reader_is_let_go() -> None:
    failed = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send)
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        except OSError:
            failed.set()

    async with transport.InProcessTransport(app).stream("GET", "/"):
        await asyncio.sleep(0)
    assert failed.is_set()


async def test_a_stream_cancelled_twice_ends_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await _start(send)
            await asyncio.Event().wait()
        finally:
            ended.set()

    client = transport.InProcessTransport(deaf)

    async def read() -> None:
        async with client.stream("GET", "/") as answer:
            await answer.read()

    async with tasks.TaskGroup("test") as group:
        task = group.spawn("read", read())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        await asyncio.wait_for(ended.wait(), 1)
    assert task.cancelled()
    await client.aclose()


async def test_closing_the_transport_ends_its_streams() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send)
        await asyncio.Event().wait()

    client = transport.InProcessTransport(app)
    with pytest.raises(transport.ConnectionFailed):
        async with client.stream("GET", "/") as answer:
            await client.aclose()
            await answer.read()
    with pytest.raises(transport.ConnectionFailed):
        async with client.stream("GET", "/"):
            pytest.fail("the transport is closed")
