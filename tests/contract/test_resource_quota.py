"""A namespace holds no more than its quotas say, however many create at once; with the real server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from strongroom.api import resources
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.testing import managed
from strongroom.testing.managed import World

QUOTAS, SECRETS, PODS = resources.RESOURCE_QUOTAS, resources.SECRETS, resources.PODS


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with managed.running() as running:
        await running.namespace("n")
        yield running


async def _quota(world: World, name: str = "q", **spec: object) -> None:
    await world.create(QUOTAS, name, "n", spec=spec)


async def _status(world: World, name: str = "q") -> Object:
    found: Object = (await world.client.get(QUOTAS, name, "n")).get("status") or {}
    return found


async def _used(world: World, **used: str) -> None:
    """Wait until the status says so."""

    async def said() -> bool:
        now = (await _status(world)).get("used") or {}
        return all(now.get(name.replace("__", ".")) == amount for name, amount in used.items())

    await managed.until(said)


def _pod(*, requests: Object | None = None, limits: Object | None = None) -> Object:
    given = {"requests": requests or {}, "limits": limits or {}}
    return {"containers": [{"name": "c", "image": "i", "resources": given}]}


async def test_creations_count_up_and_deletions_down(world: World) -> None:
    await world.create(SECRETS, "before", "n")
    await _quota(world, hard={"secrets": "2", "count/secrets": "5", "configmaps": "10"})
    await _used(world, secrets="1", configmaps="1")
    await world.create(SECRETS, "a", "n")
    assert (await _status(world))["used"]["secrets"] == "2", "admission says it itself"
    with pytest.raises(status.StatusError) as refused:
        await world.create(SECRETS, "b", "n")
    assert (refused.value.code, refused.value.reason) == (403, "Forbidden")
    assert refused.value.message == (
        'secrets "b" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=2, '
        "limited: secrets=2"
    )
    await world.client.delete(SECRETS, "a", "n")
    await _used(world, secrets="1", **{"count/secrets": "1"})
    await world.create(SECRETS, "b", "n")


async def test_no_two_of_many_at_once_slip_past_the_limit(world: World) -> None:
    await _quota(world, hard={"secrets": "5"})
    await _used(world, secrets="0")
    tries = [world.create(SECRETS, f"s{number}", "n") for number in range(40)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    refused = [each for each in found if isinstance(each, status.StatusError)]
    assert len(refused) == 35
    assert all(error.code == 403 for error in refused)
    assert len(await world.names(SECRETS, "n")) == 5


async def test_a_creation_that_fails_gives_its_place_back(world: World) -> None:
    await _quota(world, hard={"secrets": "1"})
    await _used(world, secrets="0")
    with pytest.raises(status.StatusError) as refused:
        await world.create(SECRETS, "Not_A_Name", "n")
    assert refused.value.code == 422
    await _used(world, secrets="0")
    await world.create(SECRETS, "a", "n")


async def test_a_refusal_by_one_quota_takes_nothing_of_another(world: World) -> None:
    await _quota(world, hard={"secrets": "5"})
    await _quota(world, "r", hard={"count/secrets": "0"})
    await _used(world, secrets="0")
    with pytest.raises(status.StatusError):
        await world.create(SECRETS, "a", "n")
    assert (await _status(world))["used"] == {"secrets": "0"}


async def test_a_dry_run_is_checked_and_takes_nothing(world: World) -> None:
    await _quota(world, hard={"secrets": "1"})
    await _used(world, secrets="0")
    path = "/api/v1/namespaces/n/secrets?dryRun=All"
    for code in (201, 403):
        answer = await world.server.request("POST", path, {"metadata": {"name": "a"}})
        assert answer.status == code
        assert (await _status(world))["used"]["secrets"] == ("0" if code == 201 else "1")
        if code == 201:
            await world.create(SECRETS, "real", "n")


async def test_what_pods_request_and_are_limited_to_counts(world: World) -> None:
    hard = {"pods": "5", "requests.cpu": "1", "limits.memory": "1Gi"}
    await _quota(world, hard=hard)
    await _used(world, pods="0")
    with pytest.raises(status.StatusError) as refused:
        await world.create(PODS, "p", "n", spec=_pod(requests={"memory": "1Mi"}))
    assert refused.value.message == (
        'pods "p" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c'
    )
    spec = _pod(requests={"cpu": "600m"}, limits={"memory": "512Mi"})
    await world.create(PODS, "p", "n", spec=spec)
    assert (await _status(world))["used"] == {"pods": "1", "requests.cpu": "600m", "limits.memory": "512Mi"}
    with pytest.raises(status.StatusError) as refused:
        await world.create(PODS, "r", "n", spec=spec)
    assert refused.value.message == (
        'pods "r" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, '
        "limited: requests.cpu=1"
    )
    pod = await world.client.get(PODS, "p", "n")
    done = {**pod, "status": {**pod["status"], "phase": "Succeeded"}}
    await world.client.update(PODS, done, "n", subresource="status")
    await _used(world, pods="0", requests__cpu="0", limits__memory="0")


async def test_scopes_choose_which_pods_count(world: World) -> None:
    await _quota(world, hard={"pods": "1"}, scopes=["BestEffort"])
    await _used(world, pods="0")
    for name in ("a", "b"):
        await world.create(PODS, name, "n", spec=_pod(requests={"cpu": "1"}))
    await world.create(PODS, "c", "n", spec=_pod())
    with pytest.raises(status.StatusError):
        await world.create(PODS, "d", "n", spec=_pod())
    await world.create(SECRETS, "a", "n")


async def test_a_changed_limit_holds_and_a_removed_quota_does_not(world: World) -> None:
    await _quota(world, hard={"secrets": "0"})
    await _used(world, secrets="0")
    await world.client.patch(QUOTAS, "q", {"spec": {"hard": {"secrets": "1"}}}, "n")
    await world.create(SECRETS, "a", "n")
    with pytest.raises(status.StatusError):
        await world.create(SECRETS, "b", "n")
    await world.client.delete(QUOTAS, "q", "n")
    await world.create(SECRETS, "b", "n")
    await world.create(SECRETS, "elsewhere")


async def test_services_that_become_node_ports_count_as_such(world: World) -> None:
    await _quota(world, hard={"services": "5", "services.nodeports": "0"})
    await _used(world, services="0")
    spec = {"ports": [{"port": 80}]}
    await world.create(resources.SERVICES, "s", "n", spec=spec)
    with pytest.raises(status.StatusError) as refused:
        await world.client.patch(resources.SERVICES, "s", {"spec": {"type": "NodePort"}}, "n")
    assert "requested: services.nodeports=1, used: services.nodeports=0" in refused.value.message
