import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from strongroom.server.in_flight import Limits
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
SECRET = {"metadata": {"name": "a"}}


@asynccontextmanager
async def _held(server: APIServer, method: str, path: str) -> AsyncIterator[None]:
    """A request by a master that is under way until the end: a write whose body does not come, or a read
    whose answer is not taken."""
    stuck, over = asyncio.Event(), asyncio.Event()

    async def hang(_: Any = None) -> Any:
        stuck.set()
        await over.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer admin"), (b"content-length", b"9")],
    }
    task = asyncio.get_running_loop().create_task(server.app(scope, hang, hang))
    await stuck.wait()
    try:
        yield
    finally:
        over.set()
        await task


async def _code(server: APIServer, method: str, path: str, user: str = "nobody") -> int:
    body = SECRET if method == "POST" else None
    return (await server.request(method, path, body, token=user)).status


@pytest.mark.parametrize(
    ("held", "refused", "served"),
    [("GET", "GET", "POST"), ("POST", "POST", "GET"), ("POST", "DELETE", "GET")],
)
async def test_beyond_the_limit_is_429_for_that_kind_alone(held: str, refused: str, served: str) -> None:
    async with api_server.running(limits=Limits(1, 1)) as server:
        async with _held(server, held, SECRETS):
            answer = await server.request(refused, SECRETS, token="nobody")
            assert (answer.status, answer.text) == (429, "Too many requests, please try again later.\n")
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert await _code(server, served, SECRETS) == 403
        assert await _code(server, refused, SECRETS) == 403
        assert server.app.in_flight.reading == server.app.in_flight.mutating == 0


async def test_masters_are_served_beyond_the_limit() -> None:
    async with api_server.running(limits=Limits(1, 1)) as server, _held(server, "POST", SECRETS):
        assert await _code(server, "POST", SECRETS, "admin") == 201
        assert await _code(server, "POST", SECRETS, "nobody") == 429


async def test_watches_do_not_count() -> None:
    async with api_server.running(limits=Limits(1, 1)) as server:
        stream = server.transport().stream
        async with stream("GET", SECRETS, query=[("watch", "1")]), stream("GET", "/api/v1/watch/secrets"):
            assert server.app.in_flight.reading == 0
            assert await _code(server, "GET", SECRETS) == 403


async def test_no_limit() -> None:
    async with api_server.running(limits=Limits(0, 0)) as server, _held(server, "POST", SECRETS):
        assert await _code(server, "POST", SECRETS) == 403


async def test_refusals_and_the_most_at_once_are_told() -> None:
    async with api_server.running(limits=Limits(1, 1)) as server:
        async with _held(server, "POST", SECRETS):
            await _code(server, "POST", SECRETS)
        text = (await server.get("/metrics")).text
        assert 'apiserver_current_inflight_requests{request_kind="mutating"} 1.0' in text
        assert "apiserver_request_terminations_total{" in text
        text = (await server.get("/metrics")).text
        assert 'apiserver_current_inflight_requests{request_kind="mutating"} 0.0' in text


def test_defaults_are_those_of_kube_apiserver() -> None:
    assert Limits() == (400, 200)
