"""Objects go when those that own them go, as the deletion of the owner asked for; with the real server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from strongroom.api import resources
from strongroom.machinery import meta
from strongroom.machinery.gvk import Object, Resource
from strongroom.testing import managed
from strongroom.testing.managed import World

CONFIG_MAPS, SECRETS = resources.CONFIG_MAPS, resources.SECRETS


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with managed.running() as running:
        yield running


def _owned_by(*owners: Object, blocking: bool = False, **more: object) -> Object:
    references = [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            **({"blockOwnerDeletion": True} if blocking else {}),
        }
        for owner in owners
    ]
    return {"ownerReferences": references, **more}


async def _delete(world: World, resource: Resource, name: str, policy: str = "") -> None:
    await world.client.delete(resource, name, "default", propagation_policy=policy)


async def test_in_the_background_dependents_follow_their_owner_down_to_the_last(world: World) -> None:
    a = await world.create(CONFIG_MAPS, "a")
    b = await world.create(CONFIG_MAPS, "b", metadata=_owned_by(a))
    await world.create(SECRETS, "c", metadata=_owned_by(b))
    await world.create(SECRETS, "free")
    await _delete(world, CONFIG_MAPS, "a", "Background")
    assert "a" not in await world.names(CONFIG_MAPS)
    await world.gone(SECRETS, "c")
    assert await world.names(SECRETS) == ["free"]
    assert "b" not in await world.names(CONFIG_MAPS)


async def test_in_the_foreground_the_owner_goes_last(world: World) -> None:
    a = await world.create(CONFIG_MAPS, "a")
    held = _owned_by(a, blocking=True, finalizers=["example.com/hold"])
    await world.create(SECRETS, "b", metadata=held)
    await world.create(SECRETS, "not-waited-for", metadata=_owned_by(a, finalizers=["example.com/hold"]))
    await _delete(world, CONFIG_MAPS, "a", "Foreground")

    async def marked() -> object:
        return (await world.client.get(SECRETS, "b", "default"))["metadata"].get("deletionTimestamp")

    await managed.until(marked)
    owner = await world.client.get(CONFIG_MAPS, "a", "default")
    assert owner["metadata"]["deletionTimestamp"]
    assert owner["metadata"]["finalizers"] == [meta.FOREGROUND]
    await world.client.patch(SECRETS, "b", {"metadata": {"finalizers": None}}, "default")
    await world.gone(CONFIG_MAPS, "a")

    async def followed() -> object:
        other = await world.client.get(SECRETS, "not-waited-for", "default")
        return other["metadata"].get("deletionTimestamp")

    await managed.until(followed)


async def test_an_owner_that_is_deleted_as_an_orphan_maker_leaves_its_dependents(world: World) -> None:
    a = await world.create(CONFIG_MAPS, "a")
    other = await world.create(CONFIG_MAPS, "other")
    await world.create(SECRETS, "b", metadata=_owned_by(a))
    await world.create(SECRETS, "c", metadata=_owned_by(a, other))
    await _delete(world, CONFIG_MAPS, "a", "Orphan")
    await world.gone(CONFIG_MAPS, "a")
    b, c = [await world.client.get(SECRETS, name, "default") for name in "bc"]
    assert "ownerReferences" not in b["metadata"]
    assert [r["name"] for r in c["metadata"]["ownerReferences"]] == ["other"]


async def test_with_an_owner_left_only_the_reference_to_the_other_goes(world: World) -> None:
    a, b = [await world.create(CONFIG_MAPS, name) for name in "ab"]
    await world.create(SECRETS, "s", metadata=_owned_by(a, b))
    await _delete(world, CONFIG_MAPS, "a")

    async def owners() -> list[str]:
        secret = await world.client.get(SECRETS, "s", "default")
        return [r["name"] for r in secret["metadata"]["ownerReferences"]]

    async def one_left() -> bool:
        return await owners() == ["b"]

    await managed.until(one_left)
    await _delete(world, CONFIG_MAPS, "b")
    await world.gone(SECRETS, "s")


async def test_an_owner_made_anew_under_its_name_is_not_the_owner(world: World) -> None:
    a = await world.create(CONFIG_MAPS, "a")
    await _delete(world, CONFIG_MAPS, "a")
    await world.create(CONFIG_MAPS, "a")
    await world.create(SECRETS, "s", metadata=_owned_by(a))
    await world.gone(SECRETS, "s")
    assert "a" in await world.names(CONFIG_MAPS)


async def test_an_owner_in_another_namespace_is_none_and_an_event_says_so(world: World) -> None:
    await world.namespace("n")
    a = await world.create(CONFIG_MAPS, "a", "n")
    uid = a["metadata"]["uid"]
    await world.create(SECRETS, "s", metadata=_owned_by(a))
    await world.gone(SECRETS, "s")

    async def told() -> object:
        return await world.events("OwnerRefInvalidNamespace")

    await managed.until(told)
    (event,) = await world.events("OwnerRefInvalidNamespace")
    assert event["type"] == "Warning"
    assert event["message"] == (
        f"ownerRef [v1/ConfigMap, namespace: default, name: a, uid: {uid}] "
        'does not exist in namespace "default"'
    )
    assert event["involvedObject"]["kind"] == "Secret"


async def test_an_owner_of_an_unknown_kind_can_not_be_gone(world: World) -> None:
    reference = {"apiVersion": "example.com/v1", "kind": "Thing", "name": "t", "uid": "1"}
    await world.create(SECRETS, "s", metadata={"ownerReferences": [reference]})
    a = await world.create(CONFIG_MAPS, "a")
    await world.create(SECRETS, "later", metadata=_owned_by(a))
    await _delete(world, CONFIG_MAPS, "a")
    await world.gone(SECRETS, "later")
    assert await world.names(SECRETS) == ["s"]


async def test_two_that_own_each_other_do_not_wait_for_each_other(world: World) -> None:
    a = await world.create(CONFIG_MAPS, "a")
    b = await world.create(CONFIG_MAPS, "b", metadata=_owned_by(a, blocking=True))
    await world.client.patch(CONFIG_MAPS, "a", {"metadata": _owned_by(b, blocking=True)}, "default")
    await asyncio.sleep(0)
    await _delete(world, CONFIG_MAPS, "a", "Foreground")
    await world.gone(CONFIG_MAPS, "a")
    await world.gone(CONFIG_MAPS, "b")


async def test_a_dependent_with_dependents_is_deleted_in_the_foreground_too(world: World) -> None:
    a = await world.create(CONFIG_MAPS, "a")
    b = await world.create(CONFIG_MAPS, "b", metadata=_owned_by(a, blocking=True))
    held = _owned_by(b, blocking=True, finalizers=["example.com/hold"])
    await world.create(SECRETS, "c", metadata=held)
    await _delete(world, CONFIG_MAPS, "a", "Foreground")

    async def marked() -> object:
        return (await world.client.get(SECRETS, "c", "default"))["metadata"].get("deletionTimestamp")

    await managed.until(marked)
    assert {"a", "b"} <= set(await world.names(CONFIG_MAPS))
    await world.client.patch(SECRETS, "c", {"metadata": {"finalizers": None}}, "default")
    await world.gone(CONFIG_MAPS, "a")
    assert "b" not in await world.names(CONFIG_MAPS)


async def test_a_cluster_wide_object_owns_objects_of_namespaces(world: World) -> None:
    role = await world.create(resources.CLUSTER_ROLES, "r", rules=[])
    await world.create(SECRETS, "s", metadata=_owned_by(role))
    await world.client.delete(resources.CLUSTER_ROLES, "r")
    await world.gone(SECRETS, "s")
