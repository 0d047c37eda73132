from typing import Any

import pytest

from strongroom.machinery import status
from strongroom.server.request import MAX_BODY, Disconnected, Request


def _request(
    *chunks: bytes, headers: list[tuple[bytes, bytes]] | None = None, query: bytes = b"", gone: bool = False
) -> Request:
    waiting = list(chunks)

    async def receive() -> Any:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting) or gone}
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": query, "headers": headers or []}
    return Request(scope, receive, send)


@pytest.mark.parametrize("chunks", [(b"",), (b"abc",), (b"a", b"bc"), (b"a", b"", b"bc")])
async def test_body_in_parts(chunks: tuple[bytes, ...]) -> None:
    assert await _request(*chunks).body() == b"".join(chunks)


async def test_announced_length_is_enough() -> None:
    request = _request(b"abc", headers=[(b"content-length", b"3")], gone=True)
    assert await request.body() == b"abc"
    assert await _request(headers=[(b"content-length", b"0")]).body() == b""


async def test_client_that_leaves_within_its_body() -> None:
    with pytest.raises(Disconnected):
        await _request(b"abc", gone=True).body()


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"%d" % (MAX_BODY + 1))]])
async def test_body_that_is_too_large(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(status.StatusError) as refused:
        await _request(b"x" * MAX_BODY, b"x", headers=headers).body()
    assert refused.value.code == 413


def test_query_is_decoded() -> None:
    request = _request(query=b"a=1&a=2&b&c=%3D+x&d=%C3%A4")
    assert dict(request.query) == {"a": ["1", "2"], "b": [""], "c": ["= x"], "d": ["\xe4"]}
    assert request.parameter("a") == "1"
    assert request.parameter("z") == ""
    assert _request().parameter("a") == ""


def test_header_values_are_text() -> None:
    request = _request(headers=[(b"x", b"y\xe4")])
    assert request.header(b"x") == "y\xe4"
    assert request.header(b"z") == ""
