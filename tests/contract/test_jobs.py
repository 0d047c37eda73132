"""Jobs with the real server, scheduler and controllers; the node agent is played."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from strongroom.aio import tasks
from strongroom.api import resources
from strongroom.client.requests import MERGE_PATCH
from strongroom.controllers.job import decision
from strongroom.controllers.job.pods import INDEX, TRACKING
from strongroom.machinery.gvk import Object
from strongroom.testing import managed, pod_runner


class World:
    """Jobs are in the namespace `default` and called `job`."""

    def __init__(self, world: managed.World) -> None:
        self.world = world
        self.client = world.client

    async def create(self, **spec: Any) -> Object:
        pod = {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}
        return await self.world.create(resources.JOBS, "job", spec={"template": {"spec": pod}, **spec})

    async def job(self) -> Object:
        return await self.client.get(resources.JOBS, "job", "default")

    async def change(self, **spec: Any) -> None:
        await self.client.patch(resources.JOBS, "job", {"spec": spec}, "default", content_type=MERGE_PATCH)

    async def running(self, count: int) -> list[Object]:
        """Wait until so many Pods run, and no more."""
        found: list[Object] = []

        async def there() -> bool:
            found[:] = [
                pod
                for pod in (await self.client.list(resources.PODS, "default")).items
                if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
            ]
            return len(found) == count

        await managed.until(there)
        return found

    async def end(self, pod: Object, phase: str = "Succeeded") -> None:
        await self.client.patch(
            resources.PODS,
            pod["metadata"]["name"],
            {"status": {"phase": phase}},
            "default",
            subresource="status",
        )

    async def is_true(self, type: str) -> Object:
        found: Object = {}

        async def so() -> bool:
            for each in (await self.job())["status"].get("conditions") or ():
                if each["type"] == type and each["status"] == "True":
                    found.update(each)
            return bool(found)

        await managed.until(so)
        return found


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with managed.running() as running, tasks.TaskGroup("nodes") as group:
        nodes = pod_runner.PodRunner(running.client, group)
        await nodes.start()
        yield World(running)
        assert not group.failed.is_set()


async def test_a_pod_runs_to_its_end_and_the_job_is_complete(world: World) -> None:
    job = await world.create()
    (pod,) = await world.running(1)
    assert pod["metadata"]["name"].startswith("job-")
    assert pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "job"
    assert pod["metadata"]["finalizers"] == [TRACKING]
    (owner,) = pod["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Job", job["metadata"]["uid"], True)
    await world.end(pod)
    told = await world.is_true("Complete")
    assert (told["reason"], told["message"]) == (
        "CompletionsReached",
        "Reached expected number of succeeded pods",
    )
    status = (await world.job())["status"]
    assert (status["succeeded"], status["ready"], status["terminating"]) == (1, 0, 0)
    assert status["uncountedTerminatedPods"] == {}
    assert {"startTime", "completionTime"} <= status.keys()
    kept = await world.client.get(resources.PODS, pod["metadata"]["name"], "default")
    assert "finalizers" not in kept["metadata"], "it stays for its log, and nothing holds it"
    await managed.until(lambda: world.world.events("Completed"))
    (event,) = await world.world.events("SuccessfulCreate")
    assert event["message"] == f"Created pod: {pod['metadata']['name']}"


async def test_several_at_a_time_until_enough_have_succeeded(world: World) -> None:
    await world.create(completions=3, parallelism=2)
    for pod in await world.running(2):
        await world.end(pod)
    (last,) = await world.running(1)
    await world.end(last)
    await world.is_true("Complete")
    assert (await world.job())["status"]["succeeded"] == 3
    assert len(await world.world.names(resources.PODS)) == 3


async def test_each_index_once(world: World) -> None:
    await world.create(completions=3, parallelism=3, completionMode="Indexed")
    pods = await world.running(3)
    assert sorted(pod["metadata"]["annotations"][INDEX] for pod in pods) == ["0", "1", "2"]
    for pod in pods:
        await world.end(pod)
    await world.is_true("Complete")
    assert (await world.job())["status"]["completedIndexes"] == "0-2"


async def test_after_too_many_failures_it_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "FIRST_BACKOFF", 0.05)
    await world.create(backoffLimit=1)
    for _ in range(2):
        (pod,) = await world.running(1)
        await world.end(pod, "Failed")
        await managed.until(lambda pod=pod: _is_ended(world, pod))  # type: ignore[misc]
    told = await world.is_true("Failed")
    assert told["reason"] == "BackoffLimitExceeded"
    assert (await world.job())["status"]["failed"] == 2
    await managed.until(lambda: world.world.events("BackoffLimitExceeded"))


async def _is_ended(world: World, pod: Object) -> bool:
    found = await world.client.get(resources.PODS, pod["metadata"]["name"], "default")
    return "finalizers" not in found["metadata"]


async def test_past_its_deadline_its_pods_are_ended(world: World) -> None:
    await world.create(activeDeadlineSeconds=2)
    await world.running(1)
    assert (await world.is_true("Failed"))["reason"] == "DeadlineExceeded"
    await world.running(0)


async def test_suspended_and_resumed(world: World) -> None:
    await world.create()
    await world.running(1)
    await world.change(suspend=True)
    await world.is_true("Suspended")
    await world.running(0)
    assert "failed" not in (await world.job())["status"], "what was suspended has not failed"
    await world.change(suspend=False)
    (pod,) = await world.running(1)
    await world.end(pod)
    await world.is_true("Complete")


async def test_it_goes_by_itself_when_its_time_is_over(world: World) -> None:
    await world.create(ttlSecondsAfterFinished=0)
    (pod,) = await world.running(1)
    await world.end(pod)
    await world.world.gone(resources.JOBS, "job")
    await world.world.gone(resources.PODS, pod["metadata"]["name"])


async def test_its_pods_go_with_it(world: World) -> None:
    await world.create()
    (pod,) = await world.running(1)
    await world.client.delete(resources.JOBS, "job", "default", propagation_policy="Background")
    await world.world.gone(resources.PODS, pod["metadata"]["name"])


async def test_without_a_word_its_pods_stay_and_nothing_holds_them(world: World) -> None:
    await world.create()
    (pod,) = await world.running(1)
    await world.client.delete(resources.JOBS, "job", "default")
    await world.world.gone(resources.JOBS, "job")
    await managed.until(lambda: _is_ended(world, pod))
    kept = await world.client.get(resources.PODS, pod["metadata"]["name"], "default")
    assert not kept["metadata"].get("ownerReferences")


async def test_no_pod_is_lost_or_counted_twice_when_the_controllers_stop_anywhere(world: World) -> None:
    await world.create(completions=4, parallelism=2)
    for _ in range(2):
        for pod in await world.running(2):
            await world.end(pod)
            await world.world.stop_controllers()
            await world.world.start_controllers()
    await world.is_true("Complete")
    assert (await world.job())["status"]["succeeded"] == 4
    assert len(await world.world.names(resources.PODS)) == 4


async def test_what_the_api_refuses_is_told(world: World) -> None:
    await world.world.create(resources.RESOURCE_QUOTAS, "none", spec={"hard": {"pods": "0"}})
    await world.create()
    await managed.until(lambda: world.world.events("FailedCreate"))
    (event, *_) = await world.world.events("FailedCreate")
    assert "exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0" in event["message"]


async def test_a_namespace_with_a_job_goes(world: World) -> None:
    await world.world.namespace("ends")
    pod: Object = {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}
    pod["terminationGracePeriodSeconds"] = 0
    await world.world.create(resources.JOBS, "job", "ends", spec={"template": {"spec": pod}})

    async def runs() -> bool:
        found = (await world.client.list(resources.PODS, "ends")).items
        return any(each["status"].get("phase") == "Running" for each in found)

    await managed.until(runs)
    await world.client.delete(resources.NAMESPACES, "ends")
    await world.world.gone(resources.NAMESPACES, "ends")
