from typing import Any

import pytest

from strongroom.machinery import status
from strongroom.server import responses
from strongroom.server.request import Request


class Client:
    """Collects what is sent."""

    def __init__(self, kind: str = "http", headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.sent: list[Any] = []
        scope = {"type": kind, "method": "GET", "path": "/", "query_string": b"", "headers": headers or []}
        self.request = Request(scope, self._receive, self._send)

    async def _receive(self) -> Any:
        raise AssertionError

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    def header(self, name: bytes) -> list[bytes]:
        return [value for other, value in self.sent[0]["headers"] if other == name]


async def test_warnings_are_quoted_and_told_once() -> None:
    client = Client()
    client.request.warnings += ['unknown field "a\\b"', 'unknown field "a\\b"', "line\nbreak"]
    await responses.send(client.request, 200, b"")
    assert client.header(b"warning") == [b'299 - "unknown field \\"a\\\\b\\""', b'299 - "linebreak"']


async def test_many_warnings_are_cut() -> None:
    client = Client()
    client.request.warnings += [f"{number}" + "x" * 1000 for number in range(10)]
    await responses.send(client.request, 200, b"")
    values = client.header(b"warning")
    assert len(values) == 10
    assert all(len(value) < 300 for value in values)


async def test_more_warnings_than_an_answer_holds_are_left_out() -> None:
    client = Client()
    client.request.warnings += [f'unknown field "spec.f{number}"' for number in range(100_000)]
    await responses.send(client.request, 200, b"")
    values = client.header(b"warning")
    assert values[0] == b'299 - "unknown field \\"spec.f0\\""'
    assert 4000 < sum(map(len, values)) < 8192


async def test_status_in_the_form_that_is_asked_for() -> None:
    failure = status.too_many_requests("later", 7)
    client = Client()
    await responses.error(client.request, failure)
    assert client.sent[0]["status"] == 429
    assert client.header(b"retry-after") == [b"7"]
    assert client.sent[1]["body"] == failure.body()
    yaml = Client(headers=[(b"accept", b"application/yaml")])
    await responses.error(yaml.request, failure)
    assert b"\nkind: Status\n" in yaml.sent[1]["body"]
    other = Client(headers=[(b"accept", b"text/html")])
    await responses.error(other.request, failure)
    assert other.sent[1]["body"] == failure.body()


async def test_parts_come_after_one_head() -> None:
    client = Client()
    await responses.start(client.request)
    await responses.part(client.request, b"a")
    await responses.end(client.request)
    assert client.request.started
    assert [message["type"] for message in client.sent] == ["http.response.start"] + [
        "http.response.body"
    ] * 2
    assert client.sent[1]["more_body"] and not client.sent[2].get("more_body")


async def test_no_stream_over_websocket() -> None:
    client = Client("websocket")
    with pytest.raises(status.StatusError) as refused:
        await responses.start(client.request)
    assert refused.value.code == 400
    assert client.sent == []


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [(b"gzip", True), (b"deflate, gzip;q=1.0", True), (b"", False), (b"br", False), (b"gzip; q=0", False)],
)
def test_who_takes_gzip(accepted: bytes, takes: bool) -> None:
    assert responses.takes_gzip(Client(headers=[(b"accept-encoding", accepted)]).request) is takes
