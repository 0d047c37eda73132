"""The loop of the Jobs."""

import asyncio
from collections.abc import Sequence

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.api.batch.v1 import job_validation
from strongroom.client import event_recorder
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.requests import MERGE_PATCH
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.client.watching import ADDED, DELETED
from strongroom.controllers import actions, ownership
from strongroom.controllers.actions import Action, Delete
from strongroom.controllers.controller import Controller
from strongroom.controllers.expectations import Expectations
from strongroom.controllers.job import conditions, decision, pods
from strongroom.controllers.job.decision import Decision, Failures, State
from strongroom.controllers.own_writes import OwnWrites
from strongroom.controllers.selection import Selectors
from strongroom.machinery import status
from strongroom.machinery.gvk import Object

NAME = "job-controller"
_KIND = resources.JOBS.kind
_WORKERS = 5
_ORPHAN = "pod"
_Failure = status.StatusError | ConnectionFailed


class JobController:
    """Keys are `namespace/name` of Jobs, and `pod/namespace/name` of Pods that no Job counts any more.

    `jobs` holds what `workload_cache` keeps of them."""

    def __init__(
        self, client: Client, jobs: Informer, pods: Informer, recorder: EventRecorder, clock: Clock
    ) -> None:
        self._client = client
        self._jobs = jobs
        self._all_pods = pods
        self._recorder = recorder
        self._clock = clock
        self._expectations = Expectations(clock)
        self._selectors = Selectors()
        self._failures: dict[str, Failures] = {}
        self._written = OwnWrites()
        """Until the cache has a Job's status as it was written, it does not tell which Pods were counted."""
        self._pods = ownership.Index(self._pod_changed)
        self._loop = Controller(NAME, self._reconcile, (jobs, pods), clock, workers=_WORKERS)
        jobs.subscribe(self._job_changed)
        pods.subscribe(self._pods.changed)

    async def run(self) -> None:
        await self._loop.run()

    # What concerns whom

    def _job_changed(self, kind: str, job: Object) -> None:
        self._selectors.changed(kind, job)
        uid = job["metadata"]["uid"]
        if kind != DELETED:
            self._loop.queue.add(_key(job))
            return
        self._expectations.forget(uid)
        self._failures.pop(uid, None)
        self._written.forget(uid)
        for pod in self._pods.controlled_by(uid):
            self._loop.queue.add(f"{_ORPHAN}/{_key(pod)}")

    def _pod_changed(self, kind: str, pod: Object, before: Object | None) -> None:
        metadata, owner = pod["metadata"], ownership.controller_of(pod)
        namespace = metadata["namespace"]
        if owner is not None and owner.kind == _KIND:
            if kind == DELETED or metadata.get("deletionTimestamp"):
                self._expectations.deleted(owner.uid, metadata["uid"])
            if kind == ADDED:
                self._expectations.created(owner.uid)
            self._loop.queue.add(f"{namespace}/{owner.name}")
        if (
            kind != DELETED
            and pods.is_tracked(pod)
            and (owner is None or owner.kind != _KIND or not self._has(pod))
        ):
            self._loop.queue.add(f"{_ORPHAN}/{_key(pod)}")
        if owner is None and kind != DELETED:
            for name in self._selectors.matching(namespace, metadata.get("labels")):
                self._loop.queue.add(f"{namespace}/{name}")

    def _has(self, pod: Object) -> bool:
        """Whether the Job that controls the Pod is there."""
        owner = ownership.controller_of(pod)
        job = self._jobs.get(pod["metadata"]["namespace"], owner.name) if owner is not None else None
        return owner is not None and job is not None and job["metadata"]["uid"] == owner.uid

    # What is done for one

    async def _reconcile(self, key: str) -> None:
        *kind, namespace, name = key.split("/")
        if kind:
            await self._let_orphan_go(namespace, name)
            return
        job = self._jobs.get(namespace, name)
        if job is None or (job["spec"].get("managedBy") or job_validation.MANAGER) != job_validation.MANAGER:
            return
        uid = job["metadata"]["uid"]
        if self._written.unseen(job):
            return
        claim = ownership.claim(
            job,
            self._selectors.of(job),
            [*self._pods.controlled_by(uid), *self._pods.uncontrolled(namespace)],
        )
        if await self._settle_ownership(job, claim):
            return  # it comes back as an event
        wait = self._expectations.wait(uid)
        if wait:
            self._loop.queue.add_after(key, wait)
        state = State(job, claim.held, not wait, self._failures.get(uid, Failures()), self._clock.now())
        await self._perform(key, job, decision.decide(state))

    async def _settle_ownership(self, job: Object, claim: ownership.Claim) -> bool:
        ended = conditions.finished(job["status"].get("conditions") or ()) is not None
        changes: list[Action] = [
            ownership.adoption(job, resources.JOBS, pod, resources.PODS) for pod in claim.adopt if not ended
        ]
        changes += [ownership.releasing(job, pod, resources.PODS) for pod in claim.release]
        if not changes:
            return False
        await self._live(job)
        await actions.perform(self._client, changes)
        return True

    async def _live(self, job: Object) -> Object:
        """The Job as the API has it now. Raises StatusError: it is not there, or is about to go."""
        metadata = job["metadata"]
        live = await self._client.get(resources.JOBS, metadata["name"], metadata["namespace"])
        if live["metadata"]["uid"] != metadata["uid"] or live["metadata"].get("deletionTimestamp"):
            raise status.not_found(resources.JOBS, metadata["name"])
        return live

    async def _perform(self, key: str, job: Object, found: Decision) -> None:
        metadata = job["metadata"]
        if found.expired:
            gone = Delete(
                resources.JOBS, metadata["namespace"], metadata["name"], metadata["uid"], "Foreground"
            )
            await actions.perform(self._client, [gone])
            return
        failure = await self._end(job, found.drop, counted=False)
        failure = await self._end(job, found.delete, counted=True) or failure
        if found.create and failure is None:
            failure = await self._create(job, found.create)
        if failure is not None and not actions.namespace_ends(failure):
            raise failure
        change = decision.patch(job, found.status)
        if change is not None:
            written = await self._client.patch(
                resources.JOBS,
                metadata["name"],
                change,
                metadata["namespace"],
                subresource="status",
                content_type=MERGE_PATCH,
            )
            self._written.note(written)
        self._failures[metadata["uid"]] = found.failures
        for told in found.told:
            kind = event_recorder.WARNING if told.warning else event_recorder.NORMAL
            self._recorder.event(job, kind, told.reason, told.message)
        for pod in found.release:
            await self._untrack(pod)
        if found.look_again is not None:
            self._loop.queue.add_after(key, found.look_again)

    # Pods

    async def _create(self, job: Object, wanted: Sequence[int | None]) -> _Failure | None:
        """In batches of 1, 2, 4, ...: when the API refuses one, few others were tried in vain."""
        uid, live = job["metadata"]["uid"], await self._live(job)
        self._expectations.expect(uid, creations=len(wanted))
        left, size, failure = list(wanted), 1, None
        while left and failure is None:
            batch, left = left[:size], left[size:]
            outcomes = await asyncio.gather(*(self._create_one(job, live, index) for index in batch))
            failures = [each for each in outcomes if each is not None]
            self._expectations.created(uid, len(failures))
            failure = failures[0] if failures else None
            size *= 2
        self._expectations.created(uid, len(left))
        return failure

    async def _create_one(self, job: Object, live: Object, index: int | None) -> _Failure | None:
        try:
            made = await self._client.create(
                resources.PODS, pods.make(live, index), job["metadata"]["namespace"]
            )
        except (status.StatusError, ConnectionFailed) as error:
            if not actions.namespace_ends(error):
                self._recorder.event(job, event_recorder.WARNING, "FailedCreate", f"Error creating: {error}")
            return error
        told = f"Created pod: {made['metadata']['name']}"
        self._recorder.event(job, event_recorder.NORMAL, "SuccessfulCreate", told)
        return None

    async def _end(self, job: Object, ending: Sequence[Object], *, counted: bool) -> _Failure | None:
        if not ending:
            return None
        uids = tuple(pod["metadata"]["uid"] for pod in ending)
        self._expectations.expect(job["metadata"]["uid"], deletions=uids)
        outcomes = await asyncio.gather(*(self._end_one(job, pod, counted=counted) for pod in ending))
        return next((each for each in outcomes if each is not None), None)

    async def _end_one(self, job: Object, pod: Object, *, counted: bool) -> _Failure | None:
        metadata = pod["metadata"]
        name, uid = metadata["name"], metadata["uid"]
        try:
            if not counted:
                await self._untrack(pod)
            await self._client.delete(resources.PODS, name, metadata["namespace"], uid=uid)
        except (status.StatusError, ConnectionFailed) as error:
            self._expectations.deleted(job["metadata"]["uid"], uid)
            if isinstance(error, status.StatusError) and error.code in (404, 409):
                return None  # gone, another by now, or changed: the next look tells
            self._recorder.event(job, event_recorder.WARNING, "FailedDelete", f"Error deleting: {error}")
            return error
        self._recorder.event(job, event_recorder.NORMAL, "SuccessfulDelete", f"Deleted pod: {name}")
        return None

    async def _untrack(self, pod: Object) -> None:
        if not pods.is_tracked(pod):
            return
        metadata = pod["metadata"]
        try:
            await self._client.patch(
                resources.PODS,
                metadata["name"],
                pods.without_tracking(pod),
                metadata["namespace"],
                content_type=MERGE_PATCH,
            )
        except status.StatusError as error:
            if error.code != 404:
                raise

    async def _let_orphan_go(self, namespace: str, name: str) -> None:
        pod = self._all_pods.get(namespace, name)
        if pod is not None and pods.is_tracked(pod) and not self._has(pod):
            await self._untrack(pod)


def _key(obj: Object) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"
