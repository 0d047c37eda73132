"""Each object that a pod uses is watched for itself, as long as one does."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.machinery.gvk import Object
from strongroom.node.lookup import NotSyncedError
from strongroom.node.object_cache import ObjectCache
from strongroom.testing.fake_api import FakeAPI

SECRET = (resources.SECRETS, "ns", "s")


def secret(value: str, **more: object) -> Object:
    metadata = {"name": "s", "namespace": "ns"}
    return {"kind": "Secret", "apiVersion": "v1", "metadata": metadata, "data": {"k": value}, **more}


class World:
    def __init__(self) -> None:
        self.api = FakeAPI([resources.SECRETS, resources.CONFIG_MAPS])
        self.changed: list[str] = []
        self.cache = ObjectCache(Client(self.api, "test"), lambda uid, _: self.changed.append(uid))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(2):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0)

    def value(self) -> str | None:
        found = self.cache.secret("ns", "s")
        return None if found is None else str(found["data"]["k"])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.cache.aclose()


async def test_nothing_is_known_before_it_was_read(world: World) -> None:
    with pytest.raises(NotSyncedError, match="failed to sync secret cache"):
        world.cache.secret("ns", "s")
    world.cache.use("pod", [SECRET])
    with pytest.raises(NotSyncedError):
        world.cache.secret("ns", "s")
    await world.until(lambda: "pod" in world.changed)
    assert world.cache.secret("ns", "s") is None


async def test_only_the_object_named_is_watched(world: World) -> None:
    world.cache.use("pod", [SECRET, (resources.CONFIG_MAPS, "ns", "c")])
    await world.until(lambda: world.api.watchers == 2)
    fields = {(call.path, call.query["fieldSelector"]) for call in world.api.calls}
    assert fields == {
        ("/api/v1/namespaces/ns/secrets", "metadata.name=s"),
        ("/api/v1/namespaces/ns/configmaps", "metadata.name=c"),
    }


async def test_changes_are_told_to_all_who_use_it(world: World) -> None:
    world.cache.use("a", [SECRET])
    world.cache.use("b", [SECRET])
    await world.until(lambda: set(world.changed) == {"a", "b"})
    assert world.api.watchers == 1
    world.changed.clear()
    world.api.put(resources.SECRETS, secret("v1"))
    await world.until(lambda: set(world.changed) == {"a", "b"})
    assert world.value() == "v1"
    world.changed.clear()
    world.api.remove(resources.SECRETS, "s", "ns")
    await world.until(lambda: "a" in world.changed)
    assert world.value() is None


async def test_the_last_to_leave_ends_the_watch(world: World) -> None:
    world.cache.use("a", [SECRET])
    world.cache.use("b", [SECRET])
    await world.until(lambda: world.api.watchers == 1)
    world.cache.release("a")
    await asyncio.sleep(0)
    assert world.api.watchers == 1
    world.cache.use("b", [])
    await world.until(lambda: world.api.watchers == 0)
    with pytest.raises(NotSyncedError):
        world.cache.secret("ns", "s")


async def test_an_immutable_object_is_watched_no_longer_and_kept(world: World) -> None:
    world.api.put(resources.SECRETS, secret("v1", immutable=True))
    world.cache.use("a", [SECRET])
    await world.until(lambda: "a" in world.changed and world.api.watchers == 0)
    assert world.value() == "v1"


async def test_closing_twice(world: World) -> None:
    world.cache.use("a", [SECRET])
    await world.cache.aclose()
    await world.cache.aclose()
    assert world.api.watchers == 0
