"""Browsers' tokens on WebSockets: taken like any other, and never sent back."""

import asyncio
import base64
from typing import Any

import pytest

from strongroom.server.authentication import websocket_token
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"


def offer(token: str) -> str:
    return websocket_token.PREFIX + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def scope(*protocols: str, headers: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
    return {
        "type": "websocket",
        "path": SECRETS,
        "query_string": b"watch=1",
        "headers": headers or [],
        "subprotocols": list(protocols),
    }


async def first(server: APIServer, asked: dict[str, Any]) -> dict[str, Any]:
    """The first message that is sent to the client."""
    sent: asyncio.Queue[Any] = asyncio.Queue()
    received: asyncio.Queue[Any] = asyncio.Queue()
    received.put_nowait({"type": "websocket.connect"})

    async def send(message: Any) -> None:
        sent.put_nowait(message)

    task = asyncio.get_running_loop().create_task(server.app(asked, received.get, send))
    try:
        message: dict[str, Any] = await asyncio.wait_for(sent.get(), 1)
    finally:
        received.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(task, 1)
    return message


async def test_a_token_among_the_subprotocols_is_taken_and_not_sent_back(server: APIServer) -> None:
    accepted = await first(server, scope(offer(api_server.ADMIN), "binary.k8s.io"))
    assert accepted == {"type": "websocket.accept", "subprotocol": "binary.k8s.io"}


@pytest.mark.parametrize(
    "protocols",
    [
        ("binary.k8s.io",),
        (offer(api_server.ADMIN),),
        (offer("wrong"), "binary.k8s.io"),
        (offer(api_server.ADMIN), offer(api_server.ADMIN), "binary.k8s.io"),
        (offer(api_server.ADMIN) + "=", "binary.k8s.io"),
        (offer(api_server.ADMIN) + "!", "binary.k8s.io"),
        (websocket_token.PREFIX, "binary.k8s.io"),
        (websocket_token.PREFIX + "_w", "binary.k8s.io"),
    ],
)
async def test_no_other_is_taken(server: APIServer, protocols: tuple[str, ...]) -> None:
    refused = await first(server, scope(*protocols))
    assert (refused["type"], refused["status"]) == ("websocket.http.response.start", 401)


async def test_who_says_it_twice_is_who_the_header_says(server: APIServer) -> None:
    asked = scope(offer(api_server.ADMIN), "x", headers=[(b"authorization", b"Bearer wrong")])
    assert (await first(server, asked))["status"] == 401


def test_nothing_of_it_is_left_where_a_subprotocol_is_chosen() -> None:
    for given in (scope(offer("t"), "x"), scope(offer("t"), offer("u"), "x"), scope(offer("t"))):
        assert not any(
            each.startswith(websocket_token.PREFIX) for each in websocket_token.moved(given)["subprotocols"]
        )
    plain = scope("x")
    assert websocket_token.moved(plain) is plain
