"""CronJobs with the real server and controllers, whose clock is set ahead; the node agent is played."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from strongroom.aio import tasks
from strongroom.aio.clock import SystemClock
from strongroom.api import resources
from strongroom.client.requests import MERGE_PATCH
from strongroom.machinery.gvk import Object
from strongroom.testing import managed, pod_runner


class Ahead(SystemClock):
    """Tells a time that is `minutes` away from the beginning of this one.

    A minute that passes by itself would be one more time of the schedule; few tests take as long as that.
    """

    minutes = 0

    def __init__(self) -> None:
        now = super().now()
        self._behind = now - now.replace(second=0, microsecond=0)

    def now(self) -> datetime:
        return super().now() - self._behind + timedelta(minutes=self.minutes)


class World:
    """The CronJob is in the namespace `default` and called `cron`."""

    def __init__(self, world: managed.World, clock: Ahead) -> None:
        self.world = world
        self.client = world.client
        self._clock = clock

    async def create(self, **spec: Any) -> None:
        pod = {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}
        template = {"metadata": {"labels": {"of": "cron"}}, "spec": {"template": {"spec": pod}}}
        wanted = {"schedule": "* * * * *", "jobTemplate": template, **spec}
        await self.world.create(resources.CRON_JOBS, "cron", spec=wanted)

    async def later(self, minutes: int = 1) -> None:
        """So many minutes pass."""
        self._clock.minutes += minutes
        patch = {"metadata": {"annotations": {"now": str(self._clock.minutes)}}}
        await self.client.patch(resources.CRON_JOBS, "cron", patch, "default", content_type=MERGE_PATCH)

    async def jobs(self, count: int) -> list[Object]:
        """Wait until there are so many."""
        found: list[Object] = []

        async def there() -> bool:
            found[:] = (await self.client.list(resources.JOBS, "default")).items
            return len(found) == count

        await managed.until(there)
        return found

    async def finish(self, phase: str = "Succeeded") -> None:
        """All Pods that run end."""

        async def one_ended() -> bool:
            for pod in (await self.client.list(resources.PODS, "default")).items:
                if pod["status"].get("phase") == "Running":
                    status = {"status": {"phase": phase}}
                    name = pod["metadata"]["name"]
                    await self.client.patch(resources.PODS, name, status, "default", subresource="status")
                    return True
            return False

        await managed.until(one_ended)

    async def told(self, reason: str, text: str) -> bool:
        """Whether there is one such Event of the CronJob, with this text."""
        found = await self.world.events(reason)
        return [e["message"] for e in found if e["involvedObject"]["kind"] == "CronJob"] == [text]

    async def status(self) -> Object:
        found: Object = (await self.client.get(resources.CRON_JOBS, "cron", "default"))["status"]
        return found


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = Ahead()
    async with managed.running(clock) as running, tasks.TaskGroup("nodes") as group:
        nodes = pod_runner.PodRunner(running.client, group)
        await nodes.start()
        yield World(running, clock)
        assert not group.failed.is_set()


async def test_a_job_is_made_when_it_is_time_and_seen_to_its_end(world: World) -> None:
    await world.create()
    await world.later()
    (job,) = await world.jobs(1)
    assert job["metadata"]["labels"] == {"of": "cron"}
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("CronJob", "cron", True)

    async def noted() -> bool:
        active = (await world.status()).get("active") or ()
        return [each["name"] for each in active] == [job["metadata"]["name"]]

    await managed.until(noted)
    assert "lastScheduleTime" in await world.status()
    await world.finish()

    async def over() -> bool:
        status = await world.status()
        return "active" not in status and "lastSuccessfulTime" in status

    await managed.until(over)
    for reason, text in (
        ("SuccessfulCreate", f"Created job {job['metadata']['name']}"),
        ("SawCompletedJob", f"Saw completed job: {job['metadata']['name']}, condition: Complete"),
    ):
        await managed.until(lambda reason=reason, text=text: world.told(reason, text))  # type: ignore[misc]


async def test_one_time_makes_one_job_however_often_the_controllers_start(world: World) -> None:
    await world.create()
    await world.later()
    await world.jobs(1)
    for _ in range(3):
        await world.world.stop_controllers()
        await world.world.start_controllers()
    await world.finish()
    await world.jobs(1)


async def test_forbidden_to_run_beside_another(world: World) -> None:
    await world.create(concurrencyPolicy="Forbid")
    await world.later()
    await world.jobs(1)
    await world.later()
    await managed.until(lambda: world.world.events("JobAlreadyActive"))
    await world.jobs(1)


async def test_replacing_the_one_before(world: World) -> None:
    await world.create(concurrencyPolicy="Replace")
    await world.later()
    (first,) = await world.jobs(1)
    await world.later()
    await world.world.gone(resources.JOBS, first["metadata"]["name"])
    await world.jobs(1)


async def test_old_jobs_go_and_all_with_the_cron_job(world: World) -> None:
    await world.create(successfulJobsHistoryLimit=1)
    for _ in range(2):
        await world.later()
        await world.finish()
    await world.jobs(1)
    await world.client.delete(resources.CRON_JOBS, "cron", "default")
    await world.jobs(0)


async def test_a_suspended_one_makes_none(world: World) -> None:
    await world.create(suspend=True)
    await world.later(5)
    await world.world.namespace("elsewhere")  # the controllers are at work
    await world.jobs(0)
