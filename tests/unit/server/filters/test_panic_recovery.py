import logging
from typing import Any

import pytest

from strongroom.machinery import status
from strongroom.server.filters.panic_recovery import BrokenOff, with_panic_recovery
from strongroom.server.request import Disconnected, Request
from strongroom.store import errors as store_errors


async def _run(failure: Exception, *, started: bool = False) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    async def inner(request: Request) -> None:
        request.started = started
        raise failure

    headers = [(b"audit-id", b"4-2")]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/p",
        "query_string": b"token=s3cr3t",
        "headers": headers,
    }
    await with_panic_recovery(inner)(Request(scope, receive, send))
    return sent


async def test_foreseen_error_is_answered() -> None:
    start, body = await _run(status.bad_request("no"))
    assert start["status"] == 400
    assert b'"message":"no"' in body["body"]


async def test_unforeseen_error_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        start, body = await _run(ValueError("value=s3cr3t"))
    assert start["status"] == 500
    assert b"Internal error occurred: the server failed to handle the request" in body["body"]
    assert b"s3cr3t" not in body["body"] and b"ValueError" not in body["body"]
    assert "GET /p: ValueError at test_panic_recovery.py:" in caplog.text
    assert "(audit ID 4-2)" in caplog.text and b"(audit ID 4-2)" in body["body"]
    assert "s3cr3t" not in caplog.text and "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (store_errors.Unavailable("disk full"), 503),
        (store_errors.Unreadable("/registry/secrets/n/s", "does not open"), 500),
        (store_errors.FutureRevision(2, 1), 504),
        (store_errors.Corrupt("x"), 500),
    ],
)
async def test_errors_of_the_store(failure: Exception, code: int, caplog: pytest.LogCaptureFixture) -> None:
    start, _ = await _run(failure)
    assert start["status"] == code
    assert caplog.text == ""


async def test_answer_that_has_begun_is_broken_off() -> None:
    with pytest.raises(BrokenOff):
        await _run(ValueError(), started=True)


async def test_client_that_left_gets_no_answer() -> None:
    assert await _run(Disconnected()) == []


@pytest.mark.parametrize(("length", "taken"), [(b"2", 2), (b"0", 0), (b"70000", 0), (b"x", 0)])
async def test_a_short_body_that_nobody_read_is_taken_before_the_answer(length: bytes, taken: int) -> None:
    seen: list[str] = []
    parts = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.request", "body": b"}"},
    ]

    async def send(message: Any) -> None:
        seen.append(message["type"])

    async def receive() -> Any:
        seen.append("part")
        return parts.pop(0)

    async def refuse(_: Request) -> None:
        raise status.bad_request("no")

    headers = [(b"content-length", length)]
    scope = {"type": "http", "method": "POST", "path": "/p", "query_string": b"", "headers": headers}
    await with_panic_recovery(refuse)(Request(scope, receive, send))
    assert seen == ["part"] * taken + ["http.response.start", "http.response.body"]
