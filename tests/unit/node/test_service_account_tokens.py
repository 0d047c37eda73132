"""Tokens are asked for once, renewed in time, and given up with their pod."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from strongroom.client.rest import Client
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError
from strongroom.node.lookup import NotSyncedError
from strongroom.node.service_account_tokens import ServiceAccountTokens
from strongroom.node.volumes.payload import VolumeError

POD: Object = {
    "metadata": {"name": "p", "namespace": "ns", "uid": "u1"},
    "spec": {"serviceAccountName": "builder"},
}


class API(Client):
    """Answers token requests, or refuses them as long as `refusal` is set."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.refusal: StatusError | None = None

    async def create(
        self,
        resource: Any,
        obj: Object,
        namespace: str | None = None,
        *,
        subresource: str = "",
        name: str = "",
    ) -> Object:
        self.asked.append((resource.plural, namespace, name, subresource, obj["spec"]))
        if self.refusal is not None:
            raise self.refusal
        return {"spec": obj["spec"], "status": {"token": f"token-{len(self.asked)}"}}


class World:
    def __init__(self) -> None:
        self.api = API()
        self.changed: list[str] = []
        self.slept: list[float] = []
        self.go_on = asyncio.Event()
        self.tokens = ServiceAccountTokens(self.api, self.changed.append, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.go_on.clear()
        await self.go_on.wait()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(2):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.tokens.aclose()


async def test_token_is_bound_to_its_pod_and_asked_for_once(world: World) -> None:
    for _ in range(3):
        with pytest.raises(NotSyncedError, match="failed to sync token cache"):
            world.tokens.get(POD, "", 3607)
    await world.until(lambda: world.changed == ["u1"])
    assert world.tokens.get(POD, "", 3607) == "token-1"
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u1"}
    spec = {"expirationSeconds": 3607, "boundObjectRef": bound}
    assert world.api.asked == [("serviceaccounts", "ns", "builder", "token", spec)]


async def test_audiences_have_tokens_of_their_own(world: World) -> None:
    for audience in ("", "vault"):
        with pytest.raises(NotSyncedError):
            world.tokens.get(POD, audience, 600)
    await world.until(lambda: len(world.changed) == 2)
    assert world.tokens.get(POD, "", 600) != world.tokens.get(POD, "vault", 600)
    assert [asked[-1].get("audiences") for asked in world.api.asked] == [None, ["vault"]]


@pytest.mark.parametrize(("seconds", "low", "high"), [(600, 470, 480), (10**6, 86390, 86400)])
async def test_renewed_before_it_expires(world: World, seconds: int, low: float, high: float) -> None:
    with pytest.raises(NotSyncedError):
        world.tokens.get(POD, "", seconds)
    await world.until(lambda: len(world.slept) == 1)
    assert low <= world.slept[0] <= high
    world.go_on.set()
    await world.until(lambda: len(world.changed) == 2)
    assert world.tokens.get(POD, "", seconds) == "token-2"


async def test_refusal_is_told_and_tried_again(world: World) -> None:
    world.api.refusal = StatusError(404, "NotFound", 'serviceaccounts "builder" not found', {})
    with pytest.raises(NotSyncedError):
        world.tokens.get(POD, "", 600)
    await world.until(lambda: len(world.slept) == 1)
    assert world.changed == ["u1"]
    with pytest.raises(VolumeError, match='failed to fetch token: serviceaccounts "builder" not found'):
        world.tokens.get(POD, "", 600)
    world.api.refusal = None
    world.go_on.set()
    await world.until(lambda: len(world.changed) == 2)
    assert world.tokens.get(POD, "", 600) == "token-2"


async def test_old_token_is_kept_while_no_new_one_can_be_had(world: World) -> None:
    with pytest.raises(NotSyncedError):
        world.tokens.get(POD, "", 600)
    await world.until(lambda: len(world.slept) == 1)
    world.api.refusal = StatusError(503, "ServiceUnavailable", "away", {})
    world.go_on.set()
    await world.until(lambda: len(world.slept) == 2)
    assert world.tokens.get(POD, "", 600) == "token-1"


async def test_nothing_is_kept_of_a_pod_that_is_gone(world: World) -> None:
    with pytest.raises(NotSyncedError):
        world.tokens.get(POD, "", 600)
    await world.until(lambda: len(world.slept) == 1)
    world.tokens.release("u1")
    with pytest.raises(NotSyncedError):
        world.tokens.get(POD, "", 600)
    await world.until(lambda: len(world.api.asked) == 2)


async def test_token_is_not_shown_by_repr(world: World) -> None:
    with pytest.raises(NotSyncedError):
        world.tokens.get(POD, "", 600)
    await world.until(lambda: len(world.slept) == 1)
    assert "token-1" not in repr(vars(world.tokens))
