"""The loop of the CronJobs against an API whose events come late."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from strongroom.api import resources
from strongroom.client import informer, rest
from strongroom.client.event_recorder import EventRecorder
from strongroom.controllers import workload_cache
from strongroom.controllers.cron_job import decision
from strongroom.controllers.cron_job.controller import CronJobController
from strongroom.machinery import duration, status
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers, fake_api


class World(controllers.World):
    """A CronJob `c` that runs every minute, made half a minute before now."""

    def __init__(self) -> None:
        super().__init__()
        made = self.clock.now().replace(second=30)
        self.clock.advance((made + timedelta(seconds=40) - self.clock.now()).total_seconds())
        template: Object = {"spec": {"template": {}}}
        self.api.put(
            resources.CRON_JOBS,
            {
                "metadata": {"name": "c", "namespace": "n", "creationTimestamp": duration.timestamp(made)},
                "spec": {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": template},
            },
        )

    def start(self, *, behind: bool = False) -> None:
        """`behind`: the cache of Jobs has heard of none."""
        source = rest.Client(fake_api.FakeAPI([resources.JOBS]), "test") if behind else self.client
        jobs = informer.Informer(source, resources.JOBS, reduce=workload_cache.reduce, clock=self.clock)
        self.tasks.spawn("jobs", jobs.run())
        recorder = EventRecorder(self.client, "cronjob-controller", "", self.clock)
        self.spawn(recorder)
        cron_jobs = self.informer(resources.CRON_JOBS)
        self.controller = CronJobController(self.client, cron_jobs, jobs, recorder, self.clock)
        self.spawn(self.controller)

    def cron_job(self) -> Object:
        found = self.api.get(resources.CRON_JOBS, "c", "n")
        assert found is not None
        return found

    def set_active(self, job: Object) -> None:
        status = {"active": [decision.reference_to(job)]}
        self.api.put(resources.CRON_JOBS, {**self.cron_job(), "status": status})

    def reasons(self) -> list[str]:
        found = (self.api.get(resources.EVENTS, name, "n") for name in self.api.names(resources.EVENTS, "n"))
        return [each["reason"] for each in found if each is not None]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        world.namespace("n")
        yield world


def owned(world: World, name: str, *, uid: str = "") -> Object:
    owner = {"kind": "CronJob", "name": "c", "uid": world.cron_job()["metadata"]["uid"], "controller": True}
    metadata = {"name": name, "namespace": "n", "ownerReferences": [owner], **({"uid": uid} if uid else {})}
    return world.api.put(resources.JOBS, {"metadata": metadata, "spec": {}, "status": {}})


async def test_a_job_is_made_and_noted(world: World) -> None:
    world.start()
    await world.settle()
    (name,) = world.api.names(resources.JOBS, "n")
    assert [each["name"] for each in world.cron_job()["status"]["active"]] == [name]
    assert world.reasons() == ["SuccessfulCreate"]


async def test_nothing_is_started_beside_what_was_started_before_the_cache_tells_of_it(world: World) -> None:
    world.start(behind=True)
    await world.settle()
    (first,) = world.api.names(resources.JOBS, "n")
    before = world.cron_job()
    before["metadata"]["resourceVersion"] = str(int(before["metadata"]["resourceVersion"]) - 1)
    del before["status"]
    world.clock.advance(60)
    world.controller._cron_jobs._items["n", "c"] = before
    world.controller._loop.queue.add("n/c")
    await world.settle()
    assert world.api.names(resources.JOBS, "n") == [first]


async def test_an_active_job_that_the_cache_does_not_know_yet_is_not_missing(world: World) -> None:
    world.set_active(owned(world, "late"))
    world.start(behind=True)
    await world.settle()
    assert [each["name"] for each in world.cron_job()["status"]["active"]] == ["late"]
    assert world.reasons() == ["JobAlreadyActive"]
    assert world.api.names(resources.JOBS, "n") == ["late"]


async def test_one_of_that_name_with_another_uid_is_missing(world: World) -> None:
    world.set_active(owned(world, "late", uid="before"))
    world.api.remove(resources.JOBS, "late", "n")
    world.api.put(resources.JOBS, {"metadata": {"name": "late", "namespace": "n"}, "spec": {}, "status": {}})
    world.start()
    await world.settle()
    assert "MissingJob" in world.reasons()


async def test_a_job_that_can_not_be_deleted_is_told_and_no_other_is_made(world: World) -> None:
    world.set_active(owned(world, "old"))
    cron_job = world.cron_job()
    cron_job["spec"]["concurrencyPolicy"] = "Replace"
    world.api.put(resources.CRON_JOBS, cron_job)

    def fail(call: fake_api.Call) -> None:
        if call.method == "DELETE":
            raise status.forbidden(resources.JOBS, "old", "no")

    world.api.fail = fail
    world.start()
    await world.settle()
    assert world.api.names(resources.JOBS, "n") == ["old"]
    assert world.reasons() == ["FailedDelete"]
    world.api.fail = None
    world.clock.advance(1)
    world.controller._loop.queue.add("n/c")
    await world.settle()
    assert "old" not in world.api.names(resources.JOBS, "n")
    assert world.reasons()[1:] == ["SuccessfulCreate", "SuccessfulDelete"]
