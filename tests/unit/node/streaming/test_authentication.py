"""Who is let in at a node's endpoint: the API server alone, by the API's own word."""

from typing import Any

import orjson
import pytest

from strongroom.aio.clock import FakeClock
from strongroom.client.response import ConnectionFailed, Response
from strongroom.client.rest import Client
from strongroom.node.streaming.authentication import KEPT, KEPT_REFUSALS, ServerProofs

GOOD = {
    "authenticated": True,
    "user": {"username": "system:kube-apiserver"},
    "audiences": ["system:node:n1"],
}


class API:
    """Answers every review in the same way."""

    def __init__(self, status: dict[str, Any] | Exception) -> None:
        self.status = status
        self.asked: list[bytes] = []

    async def request(self, method: str, path: str, *, body: bytes = b"", **more: object) -> Response:

        self.asked.append(body)
        if isinstance(self.status, Exception):
            raise self.status
        return Response(201, {}, orjson.dumps({"kind": "TokenReview", "status": self.status}))


def _proofs(status: dict[str, Any] | Exception) -> tuple[ServerProofs, API, FakeClock]:
    api, clock = API(status), FakeClock()
    return ServerProofs(Client(api, "test"), "n1", clock), api, clock  # type: ignore[arg-type]


async def test_the_server_is_let_in_and_not_asked_about_again_at_once() -> None:
    proofs, api, clock = _proofs(GOOD)
    assert await proofs("token")
    assert await proofs("token")
    assert len(api.asked) == 1
    assert b'"audiences":["system:node:n1"]' in api.asked[0]
    clock.advance(KEPT)
    api.status = {"user": {}}
    assert not await proofs("token")


@pytest.mark.parametrize(
    "status",
    [
        {"user": {}},
        {},
        {**GOOD, "authenticated": False},
        {**GOOD, "authenticated": "true"},
        {**GOOD, "user": {"username": "kubernetes-admin"}},
        {**GOOD, "audiences": ["system:node:n2"]},
        {**GOOD, "audiences": []},
        ConnectionFailed("away"),
    ],
    ids=str,
)
async def test_nobody_else_is(status: dict[str, Any] | Exception) -> None:
    proofs, _, _ = _proofs(status)
    assert not await proofs("token")


async def test_no_token_is_not_worth_a_question() -> None:
    proofs, api, _ = _proofs(GOOD)
    assert not await proofs("")
    assert api.asked == []


async def test_who_is_refused_is_not_asked_about_again_at_once_but_soon() -> None:
    proofs, api, clock = _proofs({"user": {}})
    assert not await proofs("token")
    assert not await proofs("token")
    assert len(api.asked) == 1
    clock.advance(KEPT_REFUSALS)
    api.status = GOOD
    assert await proofs("token")


async def test_an_api_that_does_not_answer_refuses_nobody_for_later() -> None:
    proofs, api, _ = _proofs(ConnectionFailed("away"))
    assert not await proofs("token")
    api.status = GOOD
    assert await proofs("token")


async def test_many_tokens_that_are_refused_take_no_memory_nor_the_servers_place() -> None:
    proofs, api, _ = _proofs(GOOD)
    assert await proofs("token")
    api.status = {"user": {}}
    for number in range(500):
        assert not await proofs(str(number))
    assert len(proofs._known) <= 64
    asked = len(api.asked)
    assert await proofs("token")
    assert len(api.asked) == asked
