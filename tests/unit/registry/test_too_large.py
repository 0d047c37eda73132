"""A store that takes values up to some size, as etcd does."""

from collections.abc import AsyncIterator

import pytest

from strongroom.store import errors
from strongroom.store.engines.memory import MemoryEngine
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

MAPS = "/api/v1/namespaces/default/configmaps"
MOST = 100_000
MESSAGE = "etcdserver: request is too large"


class Small(MemoryEngine):
    async def create(self, key: str, value: bytes) -> int:
        _check(value)
        return await super().create(key, value)

    async def update(self, key: str, value: bytes, expected: int) -> int:
        _check(value)
        return await super().update(key, value, expected)


def _check(value: bytes) -> None:
    if len(value) > MOST:
        raise errors.TooLarge(MESSAGE)


@pytest.fixture
async def server() -> AsyncIterator[APIServer]:
    async with api_server.running(Small()) as running:
        yield running


def config_map(size: int, keys: int) -> dict[str, object]:
    return {"metadata": {"name": "a"}, "data": {f"k{n:06}": "x" * (size // keys) for n in range(keys)}}


async def test_an_object_that_is_too_large_is_answered_as_by_kubernetes(server: APIServer) -> None:
    refused = await server.request("POST", MAPS, config_map(MOST, 1))
    assert refused.status == 500
    assert refused.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": MESSAGE,
        "code": 500,
    }
    assert (await server.get(f"{MAPS}/a")).status == 404


async def test_managed_fields_give_way_to_the_object(server: APIServer) -> None:
    large = config_map(50_000, 2_000)  # Its managers know each key: some 30 kB.
    created = await server.request("POST", MAPS, config_map(1_000, 1))
    assert created.json["metadata"]["managedFields"]
    replaced = await server.request("PUT", f"{MAPS}/a", large)
    assert replaced.status == 200
    assert "managedFields" not in replaced.json["metadata"]
    await server.request("DELETE", f"{MAPS}/a")
    assert "managedFields" not in (await server.request("POST", MAPS, large)).json["metadata"]
    patched = await server.request(
        "PATCH",
        f"{MAPS}/a",
        {"metadata": {"labels": {"a": "b"}}},
        content_type="application/merge-patch+json",
    )
    assert (patched.status, patched.json["metadata"]["labels"]) == (200, {"a": "b"})


async def test_managed_fields_of_an_apply_do_not(server: APIServer) -> None:
    large = {"apiVersion": "v1", "kind": "ConfigMap", **config_map(50_000, 2_000)}
    applied = await server.request(
        "PATCH", f"{MAPS}/a?fieldManager=me", large, content_type="application/apply-patch+yaml"
    )
    assert (applied.status, applied.json["message"]) == (500, MESSAGE)
