"""The loop of the Jobs against an API whose events come late, and that refuses."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.client import informer, rest
from strongroom.client.event_recorder import EventRecorder
from strongroom.controllers import workload_cache
from strongroom.controllers.job import pods
from strongroom.controllers.job.controller import JobController
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers, fake_api

LABELS = {"job-name": "j"}


class World(controllers.World):
    """A Job `j` of one Pod. The cache of Jobs follows `jobs`, an API of its own: what is written to the real
    one gets there by `catch_up`."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs = fake_api.FakeAPI([resources.JOBS])
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [], "restartPolicy": "Never"}}
        job: Object = {
            "metadata": {"name": "j", "namespace": "n", "uid": "job"},
            "spec": {
                "parallelism": 1,
                "completions": 1,
                "backoffLimit": 6,
                "selector": {"matchLabels": LABELS},
                "template": template,
            },
            "status": {},
        }
        self.api.put(resources.JOBS, job)

    def start(self) -> None:
        client = rest.Client(self.jobs, "test")
        jobs = informer.Informer(client, resources.JOBS, reduce=workload_cache.reduce, clock=self.clock)
        self.tasks.spawn("jobs", jobs.run())
        recorder = EventRecorder(self.client, "job-controller", "", self.clock)
        self.spawn(recorder)
        self.controller = JobController(
            self.client, jobs, self.informer(resources.PODS), recorder, self.clock
        )
        self.spawn(self.controller)

    async def catch_up(self) -> None:
        """Until the cache has the Job as it is."""
        for _ in range(5):
            job = self.job()
            known = self.jobs.get(resources.JOBS, "j", "n")
            if (
                known is not None
                and known["metadata"]["resourceVersion"] == job["metadata"]["resourceVersion"]
            ):
                return
            self.jobs.revision = int(job["metadata"]["resourceVersion"]) - 1
            self.jobs.put(resources.JOBS, job)
            await self.settle()

    def job(self) -> Object:
        found = self.api.get(resources.JOBS, "j", "n")
        assert found is not None
        return found

    def pods(self) -> list[str]:
        return self.api.names(resources.PODS, "n")

    def end(self, phase: str) -> None:
        (name,) = self.pods()
        pod = self.api.get(resources.PODS, name, "n")
        assert pod is not None
        self.api.put(resources.PODS, {**pod, "status": {"phase": phase}})

    def told(self) -> list[tuple[str, str]]:
        found = (self.api.get(resources.EVENTS, name, "n") for name in self.api.names(resources.EVENTS, "n"))
        return [(each["reason"], each["message"]) for each in found if each is not None]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        world.namespace("n")
        world.start()
        await world.catch_up()
        yield world


async def test_a_job_makes_its_pod_counts_it_and_is_complete(world: World) -> None:
    (name,) = world.pods()
    pod = world.api.get(resources.PODS, name, "n")
    assert pod is not None
    assert pods.is_tracked(pod)
    world.end("Succeeded")
    await world.settle()
    await world.catch_up()
    assert [each["type"] for each in world.job()["status"]["conditions"]] == [
        "SuccessCriteriaMet",
        "Complete",
    ]
    assert world.job()["status"]["succeeded"] == 1
    pod = world.api.get(resources.PODS, name, "n")
    assert pod is not None
    assert not pods.is_tracked(pod)
    assert world.told() == [("SuccessfulCreate", f"Created pod: {name}"), ("Completed", "Job completed")]


async def test_no_other_pod_is_made_while_the_cache_does_not_tell_that_one_was_counted(world: World) -> None:
    world.end("Succeeded")
    await world.settle()  # counted and let go, but the cache of Jobs has not heard of it
    assert len(world.pods()) == 1
    assert world.job()["status"]["uncountedTerminatedPods"]["succeeded"]
    await world.catch_up()
    assert len(world.pods()) == 1
    assert world.job()["status"]["conditions"][-1]["type"] == "Complete"


async def test_a_status_that_could_not_be_written_keeps_the_pod_and_is_tried_again(world: World) -> None:
    def fail(call: fake_api.Call) -> None:
        if call.method == "PATCH" and call.path.endswith("/jobs/j/status"):
            raise status.service_unavailable("not now")

    world.api.fail = fail
    world.end("Succeeded")
    await world.settle()
    (name,) = world.pods()
    pod: Any = world.api.get(resources.PODS, name, "n")
    assert pods.is_tracked(pod)
    world.api.fail = None
    world.clock.advance(60)
    world.controller._loop.queue.add("n/j")
    await world.settle()
    await world.catch_up()
    assert (world.job()["status"]["succeeded"], len(world.pods())) == (1, 1)


async def test_a_pod_that_is_refused_is_told_and_does_not_count(world: World) -> None:
    world.end("Failed")

    def fail(call: fake_api.Call) -> None:
        if call.method == "POST" and call.path.endswith("/pods"):
            raise status.forbidden(resources.PODS, "j-", "no")

    world.api.fail = fail
    await world.settle()
    await world.catch_up()
    world.clock.advance(10)
    world.controller._loop.queue.add("n/j")
    await world.settle()
    assert ("FailedCreate", 'Error creating: pods "j-" is forbidden: no') in world.told()
    assert (world.job()["status"]["failed"], len(world.pods())) == (1, 1)
