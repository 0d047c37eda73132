"""The loop of the CronJobs."""

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client import event_recorder
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.requests import MERGE_PATCH
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.client.watching import DELETED
from strongroom.controllers import actions, ownership, workload_cache
from strongroom.controllers.actions import Delete
from strongroom.controllers.controller import Controller
from strongroom.controllers.cron_job import decision
from strongroom.controllers.cron_job.decision import Decision, State
from strongroom.controllers.own_writes import OwnWrites
from strongroom.machinery import duration, status
from strongroom.machinery.gvk import Object

NAME = "cronjob-controller"
_KIND = resources.CRON_JOBS.kind


class CronJobController:
    """Keys are `namespace/name` of CronJobs. `jobs` holds what `workload_cache` keeps of them."""

    def __init__(
        self, client: Client, cron_jobs: Informer, jobs: Informer, recorder: EventRecorder, clock: Clock
    ) -> None:
        self._client = client
        self._cron_jobs = cron_jobs
        self._recorder = recorder
        self._clock = clock
        self._jobs = ownership.Index(self._job_changed)
        self._written = OwnWrites()
        """Until the cache has the status as it was written, it does not tell what runs already."""
        self._loop = Controller(NAME, self._reconcile, (cron_jobs, jobs), clock)
        cron_jobs.subscribe(self._cron_job_changed)
        jobs.subscribe(self._jobs.changed)

    async def run(self) -> None:
        await self._loop.run()

    def _cron_job_changed(self, kind: str, cron_job: Object) -> None:
        metadata = cron_job["metadata"]
        if kind == DELETED:
            self._written.forget(metadata["uid"])
        else:
            self._loop.queue.add(f"{metadata['namespace']}/{metadata['name']}")

    def _job_changed(self, kind: str, job: Object, before: Object | None) -> None:
        owner = ownership.controller_of(job)
        if owner is not None and owner.kind == _KIND:
            self._loop.queue.add(f"{job['metadata']['namespace']}/{owner.name}")

    async def _reconcile(self, key: str) -> None:
        cron_job = self._cron_jobs.get(*key.split("/"))
        if cron_job is None or self._written.unseen(cron_job):
            return
        jobs = await self._with_unseen(cron_job, self._jobs.controlled_by(cron_job["metadata"]["uid"]))
        found = decision.decide(State(cron_job, jobs, self._clock.now()))
        await self._perform(cron_job, found)
        if found.look_again is not None:
            self._loop.queue.add_after(key, found.look_again)

    async def _with_unseen(self, cron_job: Object, jobs: list[Object]) -> list[Object]:
        """Also the active ones that the cache has not: it may be behind. What the API has not is missing."""
        seen = {job["metadata"]["uid"] for job in jobs}
        for reference in (cron_job.get("status") or {}).get("active") or ():
            if reference.get("uid") in seen:
                continue
            try:
                job = await self._client.get(
                    resources.JOBS, reference.get("name", ""), cron_job["metadata"]["namespace"]
                )
            except status.StatusError as error:
                if error.code != 404:
                    raise
            else:
                if job["metadata"]["uid"] == reference.get("uid"):
                    jobs.append(workload_cache.reduce(job))
        return jobs

    async def _perform(self, cron_job: Object, found: Decision) -> None:
        metadata = cron_job["metadata"]
        for job in found.delete:
            gone = Delete(
                resources.JOBS,
                metadata["namespace"],
                job["metadata"]["name"],
                job["metadata"]["uid"],
                "Background",
            )
            try:
                await actions.perform(self._client, [gone])
            except (status.StatusError, ConnectionFailed) as error:
                text = f"Deleted job: {error}"
                self._recorder.event(cron_job, event_recorder.WARNING, "FailedDelete", text)
                raise
        await self._create(cron_job, found)
        change = decision.patch(cron_job, found.status)
        if change is not None:
            written = await self._client.patch(
                resources.CRON_JOBS,
                metadata["name"],
                change,
                metadata["namespace"],
                subresource="status",
                content_type=MERGE_PATCH,
            )
            self._written.note(written)
        # Told when it is written down: what fails before that is decided, and told, again.
        for told in found.told:
            kind = event_recorder.WARNING if told.warning else event_recorder.NORMAL
            self._recorder.event(cron_job, kind, told.reason, told.message)

    async def _create(self, cron_job: Object, found: Decision) -> None:
        """Make the Job if there is one to make, and note it in the status that will be written."""
        if found.create is None:
            return
        metadata = cron_job["metadata"]
        try:
            job = await self._client.create(
                resources.JOBS, decision.job_of(cron_job, found.create), metadata["namespace"]
            )
            text = f"Created job {job['metadata']['name']}"
            self._recorder.event(cron_job, event_recorder.NORMAL, "SuccessfulCreate", text)
        except status.StatusError as error:
            if actions.namespace_ends(error):
                return
            if error.reason != "AlreadyExists":
                text = f"Error creating job: {error.message}"
                self._recorder.event(cron_job, event_recorder.WARNING, "FailedCreate", text)
                raise
            wanted = decision.job_of(cron_job, found.create)["metadata"]["name"]
            job = await self._client.get(resources.JOBS, wanted, metadata["namespace"])
            owner = ownership.controller_of(job)
            if owner is None or owner.uid != metadata["uid"]:
                raise  # somebody else's
        active = [
            each for each in found.status.get("active") or () if each.get("uid") != job["metadata"]["uid"]
        ]
        found.status["active"] = [*active, decision.reference_to(job)]
        found.status["lastScheduleTime"] = duration.timestamp(found.create)
