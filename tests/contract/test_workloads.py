"""Deployments and ReplicaSets with the real server, scheduler and controllers; the node agent is played."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from strongroom.aio import tasks
from strongroom.api import resources
from strongroom.client import rest
from strongroom.client.requests import MERGE_PATCH
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.testing import managed, pod_runner

LABELS = {"app": "web"}


class World:
    """Workloads are in the namespace `default` and called `web`."""

    def __init__(self, world: managed.World, nodes: pod_runner.PodRunner) -> None:
        self.world = world
        self.client: rest.Client = world.client
        self.nodes = nodes

    async def create(self, resource: Resource, **spec: Any) -> Object:
        image = spec.pop("image", "v1")
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": image}]}}
        selector = {"matchLabels": LABELS}
        wanted = {"replicas": 2, "selector": selector, "template": template, **spec}
        return await self.world.create(resource, "web", spec=wanted)

    async def change(
        self, resource: Resource = resources.DEPLOYMENTS, name: str = "web", **spec: Any
    ) -> Object:
        if image := spec.pop("image", ""):
            spec["template"] = {"spec": {"containers": [{"name": "c", "image": image}]}}
        return await self.client.patch(resource, name, {"spec": spec}, "default", content_type=MERGE_PATCH)

    async def deployment(self) -> Object:
        return await self.client.get(resources.DEPLOYMENTS, "web", "default")

    async def condition(self, type: str) -> Mapping[str, str]:
        found = (await self.deployment())["status"].get("conditions") or ()
        return next((each for each in found if each["type"] == type), {})

    async def replica_sets(self) -> dict[str, Object]:
        """By image."""
        found = await self.client.list(resources.REPLICA_SETS, "default")
        return {each["spec"]["template"]["spec"]["containers"][0]["image"]: each for each in found.items}

    async def pods(self, image: str = "") -> list[Object]:
        """Those that are not about to go."""
        found = (await self.client.list(resources.PODS, "default", label_selector="app=web")).items
        alive = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
        return [pod for pod in alive if not image or pod["spec"]["containers"][0]["image"] == image]

    async def complete(self, replicas: int = 2) -> None:
        """Wait until a rollout is through."""

        async def through() -> bool:
            found = await self.deployment()
            state = found["status"]
            counts = [state.get(f"{part}eplicas", 0) for part in ("r", "updatedR", "readyR", "availableR")]
            return counts == [replicas] * 4 and state["observedGeneration"] == found["metadata"]["generation"]

        await managed.until(through)

    async def scaled(self) -> list[str]:
        events = await self.world.events("ScalingReplicaSet")
        return [event["message"] for event in events]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with managed.running() as running, tasks.TaskGroup("nodes") as group:
        nodes = pod_runner.PodRunner(running.client, group)
        await nodes.start()
        yield World(running, nodes)
        assert not group.failed.is_set()


async def test_a_deployment_gets_its_replica_set_and_pods(world: World) -> None:
    await world.create(resources.DEPLOYMENTS)
    await world.complete()
    (replica_set,) = (await world.replica_sets()).values()
    hashed = replica_set["metadata"]["labels"]["pod-template-hash"]
    name = replica_set["metadata"]["name"]
    assert name == f"web-{hashed}"
    assert replica_set["spec"]["selector"] == {"matchLabels": {"app": "web", "pod-template-hash": hashed}}
    (owner,) = replica_set["metadata"]["ownerReferences"]
    deployment = await world.deployment()
    assert owner == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "web",
        "uid": deployment["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    assert replica_set["metadata"]["annotations"] == {
        "deployment.kubernetes.io/desired-replicas": "2",
        "deployment.kubernetes.io/max-replicas": "3",
        "deployment.kubernetes.io/revision": "1",
    }
    assert deployment["metadata"]["annotations"] == {"deployment.kubernetes.io/revision": "1"}
    assert deployment["metadata"]["generation"] == 1
    for pod in await world.pods():
        assert pod["metadata"]["name"].startswith(f"{name}-")
        assert pod["metadata"]["labels"] == {"app": "web", "pod-template-hash": hashed}
        assert pod["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
    assert await world.scaled() == [f"Scaled up replica set {name} from 0 to 2"]
    await managed.until(lambda: world.world.events("SuccessfulCreate"))
    progressing = await world.condition("Progressing")
    assert progressing["reason"] == "NewReplicaSetAvailable"
    assert progressing["message"] == f'ReplicaSet "{name}" has successfully progressed.'
    available = await world.condition("Available")
    assert (available["status"], available["reason"]) == ("True", "MinimumReplicasAvailable")


async def test_a_new_image_is_rolled_out_and_can_be_undone(world: World) -> None:
    await world.create(resources.DEPLOYMENTS)
    await world.complete()
    first = (await world.replica_sets())["v1"]["metadata"]["name"]
    await world.change(image="v2")
    await world.complete()
    sets = await world.replica_sets()
    second = sets["v2"]["metadata"]["name"]
    assert [sets[image]["spec"]["replicas"] for image in ("v1", "v2")] == [0, 2]
    assert await world.scaled() == [
        f"Scaled up replica set {first} from 0 to 2",
        f"Scaled up replica set {second} from 0 to 1",
        f"Scaled down replica set {first} from 2 to 1",
        f"Scaled up replica set {second} from 1 to 2",
        f"Scaled down replica set {first} from 1 to 0",
    ]
    await world.change(image="v1")
    await world.complete()
    again = (await world.replica_sets())["v1"]["metadata"]
    assert again["name"] == first
    assert again["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert again["annotations"]["deployment.kubernetes.io/revision-history"] == "1"
    assert (await world.deployment())["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


async def test_pods_that_never_get_ready_leave_the_old_ones_alone(world: World) -> None:
    await world.create(resources.DEPLOYMENTS, replicas=4)
    await world.complete(4)
    await world.change(image=pod_runner.BAD)

    async def stuck() -> bool:
        state = (await world.deployment())["status"]
        return bool(state.get("updatedReplicas") == 2 and state.get("availableReplicas") == 3)

    await managed.until(stuck)
    assert len(await world.pods("v1")) == 3
    assert (await world.condition("Available"))["status"] == "True"
    assert (await world.condition("Progressing"))["reason"] == "ReplicaSetUpdated"
    await world.change(image="v1")
    await world.complete(4)
    assert await world.pods(pod_runner.BAD) == []


async def test_no_progress_for_too_long_is_told(world: World) -> None:
    await world.create(resources.DEPLOYMENTS, image=pod_runner.BAD, progressDeadlineSeconds=1)

    async def late() -> bool:
        return (await world.condition("Progressing")).get("reason") == "ProgressDeadlineExceeded"

    await managed.until(late)
    said = await world.condition("Progressing")
    name = (await world.replica_sets())[pod_runner.BAD]["metadata"]["name"]
    assert said["status"] == "False"
    assert said["message"] == f'ReplicaSet "{name}" has timed out progressing.'


async def test_scaling_up_down_and_to_nothing(world: World) -> None:
    await world.create(resources.DEPLOYMENTS)
    for size in (4, 1, 0, 3):
        await world.change(replicas=size)
        await world.complete(size)
        assert len(await world.pods()) == size
    assert len(await world.replica_sets()) == 1


async def test_recreate_ends_all_before_it_begins_anew(world: World) -> None:
    await world.create(resources.DEPLOYMENTS, strategy={"type": "Recreate"})
    await world.complete()
    world.nodes.frozen = True
    await world.change(image="v2")

    async def ending() -> bool:
        return not await world.pods("v1")

    await managed.until(ending)
    for _ in range(20):
        assert await world.pods("v2") == []
        assert list(await world.replica_sets()) == ["v1"]
        await world.client.get(resources.DEPLOYMENTS, "web", "default")
    world.nodes.thaw()
    await world.complete()
    assert len(await world.pods("v2")) == 2


async def test_a_paused_deployment_scales_but_does_not_roll(world: World) -> None:
    await world.create(resources.DEPLOYMENTS)
    await world.complete()
    await world.change(paused=True)
    await world.change(image="v2", replicas=3)

    async def scaled() -> bool:
        return len(await world.pods("v1")) == 3

    await managed.until(scaled)
    assert list(await world.replica_sets()) == ["v1"]
    said = await world.condition("Progressing")
    assert (said["status"], said["reason"]) == ("Unknown", "DeploymentPaused")
    await world.change(paused=None)
    await world.complete(3)
    assert len(await world.pods("v2")) == 3


async def test_a_replica_set_adopts_and_releases_pods(world: World) -> None:
    spec = {"containers": [{"name": "c", "image": "v1"}]}
    await world.world.create(resources.PODS, "bare", metadata={"labels": LABELS}, spec=spec)
    made = await world.create(resources.REPLICA_SETS)

    async def adopted() -> bool:
        owners = (await world.client.get(resources.PODS, "bare", "default"))["metadata"].get(
            "ownerReferences"
        )
        return bool(owners and owners[0]["uid"] == made["metadata"]["uid"])

    await managed.until(adopted)

    async def ready(count: int) -> bool:
        found = await world.client.get(resources.REPLICA_SETS, "web", "default")
        return bool(found["status"].get("readyReplicas") == count == found["status"]["replicas"])

    await managed.until(lambda: ready(2))
    await world.client.patch(resources.PODS, "bare", {"metadata": {"labels": {"app": "other"}}}, "default")

    async def released() -> bool:
        return not (await world.client.get(resources.PODS, "bare", "default"))["metadata"].get(
            "ownerReferences"
        )

    await managed.until(released)

    async def another() -> bool:
        return len(await world.pods()) == 2

    await managed.until(another)
    await managed.until(lambda: ready(2))


async def test_what_the_api_refuses_is_told_and_tried_again(world: World) -> None:
    await world.world.namespace("n")
    quota = {"hard": {"pods": "1"}}
    await world.world.create(resources.RESOURCE_QUOTAS, "few", spec=quota)
    await world.create(resources.DEPLOYMENTS)

    async def failing() -> bool:
        return (await world.condition("ReplicaFailure")).get("reason") == "FailedCreate"

    await managed.until(failing)
    said = await world.condition("ReplicaFailure")
    assert "exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1" in said["message"]
    await managed.until(lambda: world.world.events("FailedCreate"))
    event = (await world.world.events("FailedCreate"))[0]
    assert event["message"].startswith("Error creating: pods")
    assert event["source"] == {"component": "replicaset-controller"}
    await world.client.delete(resources.RESOURCE_QUOTAS, "few", "default")
    await world.complete()
    assert await world.condition("ReplicaFailure") == {}


async def test_a_name_that_is_taken_is_left_to_its_owner(world: World) -> None:
    await world.create(resources.DEPLOYMENTS)
    await world.complete()
    replica_set = (await world.replica_sets())["v1"]
    name = replica_set["metadata"]["name"]
    await world.world.namespace("n")
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": {"x": "y"}},
        "template": {**replica_set["spec"]["template"], "metadata": {"labels": {"x": "y"}}},
    }
    await world.world.create(resources.REPLICA_SETS, name, "n", spec=spec)
    deployment = await world.deployment()
    await world.world.create(resources.DEPLOYMENTS, "web", "n", spec=deployment["spec"])

    async def other() -> bool:
        found = await world.client.list(resources.REPLICA_SETS, "n", label_selector="app=web")
        return len(found.items) == 1

    await managed.until(other)
    found = await world.client.get(resources.DEPLOYMENTS, "web", "n")
    assert found["status"]["collisionCount"] == 1


async def test_a_replica_set_left_behind_is_adopted(world: World) -> None:
    await world.create(resources.DEPLOYMENTS)
    await world.complete()
    (before,) = (await world.replica_sets()).values()
    await world.client.delete(resources.DEPLOYMENTS, "web", "default", propagation_policy="Orphan")
    await world.world.gone(resources.DEPLOYMENTS, "web")
    pods = {pod["metadata"]["uid"] for pod in await world.pods()}
    await world.create(resources.DEPLOYMENTS)
    await world.complete()
    (after,) = (await world.replica_sets()).values()
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert {pod["metadata"]["uid"] for pod in await world.pods()} == pods


async def test_all_goes_with_the_deployment(world: World) -> None:
    await world.create(resources.DEPLOYMENTS)
    await world.complete()
    await world.client.delete(resources.DEPLOYMENTS, "web", "default")

    async def empty() -> bool:
        return (
            not (await world.replica_sets())
            and not (await world.client.list(resources.PODS, "default")).items
        )

    await managed.until(empty)


async def test_history_is_kept_to_its_limit(world: World) -> None:
    await world.create(resources.DEPLOYMENTS, revisionHistoryLimit=1, replicas=1)
    for image in ("v2", "v3", "v4"):
        await world.complete(1)
        await world.change(image=image)
    await world.complete(1)

    async def kept() -> bool:
        return sorted(await world.replica_sets()) == ["v3", "v4"]

    await managed.until(kept)


async def test_nobody_else_makes_pods(world: World) -> None:
    """Who makes Pods can read Secrets: no other controller may."""
    for component, token in managed.TOKENS.items():
        client = rest.Client(world.world.server.transport(token), component)
        pod = {"metadata": {"name": component}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        if component in ("replicaset-controller", "job-controller"):
            await client.create(resources.PODS, pod, "default")
        else:
            with pytest.raises(status.StatusError) as raised:
                await client.create(resources.PODS, pod, "default")
            assert raised.value.code == 403


@pytest.mark.parametrize("component", ["deployment-controller", "replicaset-controller"])
async def test_the_controllers_of_workloads_read_no_secrets(world: World, component: str) -> None:
    client = rest.Client(world.world.server.transport(managed.TOKENS[component]), component)
    with pytest.raises(status.StatusError) as raised:
        await client.list(resources.SECRETS, "default")
    assert raised.value.code == 403
    with pytest.raises(status.StatusError) as raised:
        await client.list(resources.PODS, "default")
    assert raised.value.code == 403
