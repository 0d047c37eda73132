"""The loop of the ReplicaSets.

Pods are made in batches of 1, 2, 4, ...: when the API refuses one, few others were tried in vain. What was
asked for is not asked for again before the cache has it (`expectations`).
"""

import asyncio
from collections.abc import Awaitable, Sequence

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client import event_recorder
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.client.watching import ADDED, DELETED
from strongroom.controllers import actions, ownership, pod_state, pod_template
from strongroom.controllers.actions import Patch
from strongroom.controllers.controller import Controller
from strongroom.controllers.expectations import Expectations
from strongroom.controllers.replica_set import decision
from strongroom.controllers.replica_set import status as statuses
from strongroom.controllers.replica_set.decision import CreatePods, DeletePods, State
from strongroom.controllers.selection import Selectors
from strongroom.machinery import status
from strongroom.machinery.gvk import Object

NAME = "replicaset-controller"
_KIND = resources.REPLICA_SETS.kind
_WORKERS = 5
_Failure = status.StatusError | ConnectionFailed


class ReplicaSetController:
    """Keys are `namespace/name` of ReplicaSets. `replica_sets` holds what `workload_cache` keeps of them."""

    def __init__(
        self, client: Client, replica_sets: Informer, pods: Informer, recorder: EventRecorder, clock: Clock
    ) -> None:
        self._client = client
        self._replica_sets = replica_sets
        self._recorder = recorder
        self._clock = clock
        self._expectations = Expectations(clock)
        self._selectors = Selectors()
        self._pods = ownership.Index(self._pod_changed)
        self._siblings = ownership.Index()
        self._loop = Controller(NAME, self._reconcile, (replica_sets, pods), clock, workers=_WORKERS)
        replica_sets.subscribe(self._replica_set_changed)
        pods.subscribe(self._pods.changed)

    async def run(self) -> None:
        await self._loop.run()

    # What concerns whom

    def _replica_set_changed(self, kind: str, replica_set: Object) -> None:
        self._siblings.changed(kind, replica_set)
        self._selectors.changed(kind, replica_set)
        if kind == DELETED:
            self._expectations.forget(replica_set["metadata"]["uid"])
        else:
            self._loop.queue.add(_key(replica_set))

    def _pod_changed(self, kind: str, pod: Object, before: Object | None) -> None:
        metadata, owner = pod["metadata"], ownership.controller_of(pod)
        namespace = metadata["namespace"]
        if owner is not None and owner.kind == _KIND:
            if kind == DELETED or metadata.get("deletionTimestamp"):
                self._expectations.deleted(owner.uid, metadata["uid"])
            if kind == ADDED:
                self._expectations.created(owner.uid)
            self._loop.queue.add(f"{namespace}/{owner.name}")
        was = ownership.controller_of(before) if before is not None else None
        if was is not None and was.kind == _KIND and was != owner:
            self._loop.queue.add(f"{namespace}/{was.name}")
        if owner is None and kind != DELETED and _may_be_adopted(pod, before):
            for name in self._selectors.matching(namespace, metadata.get("labels")):
                self._loop.queue.add(f"{namespace}/{name}")

    # What is done for one

    async def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        replica_set = self._replica_sets.get(namespace, name)
        if replica_set is None:
            return
        wait = self._expectations.wait(replica_set["metadata"]["uid"])
        if wait:
            self._loop.queue.add_after(key, wait)
        state = self._state(replica_set, counted=not wait)
        found = decision.decide(state)
        failure = await self._perform(replica_set, found)
        await self._report(replica_set, state, None if failure is None else statuses.why(found, failure))
        later = statuses.next_change(replica_set, state.active, state.now)
        if later is not None:
            self._loop.queue.add_after(key, later)
        if failure is not None:
            raise failure

    def _state(self, replica_set: Object, *, counted: bool) -> State:
        metadata = replica_set["metadata"]
        candidates = self._pods.controlled_by(metadata["uid"])
        candidates += self._pods.uncontrolled(metadata["namespace"])
        claim = ownership.claim(replica_set, self._selectors.of(replica_set), candidates)
        return State(replica_set, claim, self._related(replica_set), counted, self._clock.now())

    def _related(self, replica_set: Object) -> list[Object]:
        """Active Pods of the ReplicaSets that have the same controller."""
        owner = ownership.controller_of(replica_set)
        family = [replica_set] if owner is None else self._siblings.controlled_by(owner.uid)
        pods = (pod for each in family for pod in self._pods.controlled_by(each["metadata"]["uid"]))
        return [pod for pod in pods if pod_state.is_active(pod)]

    async def _perform(self, replica_set: Object, found: Sequence[decision.Action]) -> _Failure | None:
        """Do what was decided. Gives why Pods could not be made or ended; raises for all else."""
        if any(isinstance(action, Patch) for action in found):
            await self._check_alive(replica_set)
        for action in found:
            match action:
                case CreatePods(count):
                    return await self._create(replica_set, count)
                case DeletePods(pods):
                    return await self._delete(replica_set, pods)
                case Patch():
                    await actions.perform(self._client, [action])
        return None

    async def _check_alive(self, replica_set: Object) -> Object:
        """The ReplicaSet as the API has it now. Raises StatusError: it is not there, or is about to go."""
        metadata = replica_set["metadata"]
        live = await self._client.get(resources.REPLICA_SETS, metadata["name"], metadata["namespace"])
        if live["metadata"]["uid"] != metadata["uid"] or live["metadata"].get("deletionTimestamp"):
            raise status.not_found(resources.REPLICA_SETS, metadata["name"])
        return live

    async def _create(self, replica_set: Object, count: int) -> _Failure | None:
        owner = replica_set["metadata"]["uid"]
        pod = pod_template.pod(await self._check_alive(replica_set), resources.REPLICA_SETS)
        self._expectations.expect(owner, creations=count)
        batch, left, failure = 1, count, None
        while left and failure is None:
            batch = min(batch, left)
            outcomes = await asyncio.gather(*(self._create_one(replica_set, pod) for _ in range(batch)))
            failures = [each for each in outcomes if each is not None]
            self._expectations.created(owner, len(failures))
            failure = failures[0] if failures else None
            left, batch = left - batch, batch * 2
        self._expectations.created(owner, left)
        if failure is not None and actions.namespace_ends(failure):
            return None
        return failure

    async def _create_one(self, replica_set: Object, pod: Object) -> _Failure | None:
        try:
            made = await self._client.create(resources.PODS, pod, replica_set["metadata"]["namespace"])
        except (status.StatusError, ConnectionFailed) as error:
            if not actions.namespace_ends(error):
                self._warn(replica_set, "FailedCreate", f"Error creating: {error}")
            return error
        self._tell(replica_set, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
        return None

    async def _delete(self, replica_set: Object, pods: Sequence[Object]) -> _Failure | None:
        owner = replica_set["metadata"]["uid"]
        self._expectations.expect(owner, deletions=tuple(pod["metadata"]["uid"] for pod in pods))
        deletions: list[Awaitable[_Failure | None]] = [self._delete_one(replica_set, pod) for pod in pods]
        outcomes = await asyncio.gather(*deletions)
        return next((each for each in outcomes if each is not None), None)

    async def _delete_one(self, replica_set: Object, pod: Object) -> _Failure | None:
        metadata = pod["metadata"]
        name, uid = metadata["name"], metadata["uid"]
        try:
            await self._client.delete(resources.PODS, name, metadata["namespace"], uid=uid)
        except (status.StatusError, ConnectionFailed) as error:
            self._expectations.deleted(replica_set["metadata"]["uid"], uid)
            if isinstance(error, status.StatusError) and error.code in (404, 409):  # gone, or another by now
                return None
            self._warn(replica_set, "FailedDelete", f"Error deleting: {error}")
            return error
        self._tell(replica_set, "SuccessfulDelete", f"Deleted pod: {name}")
        return None

    async def _report(self, replica_set: Object, state: State, failure: str | None) -> None:
        found = statuses.of(replica_set, state.active, state.terminating, state.now, failure)
        patch = statuses.patch(replica_set, found)
        if patch is not None:
            metadata = replica_set["metadata"]
            change = Patch(
                resources.REPLICA_SETS, metadata["namespace"], metadata["name"], patch, subresource="status"
            )
            await actions.perform(self._client, [change])

    def _tell(self, replica_set: Object, reason: str, message: str) -> None:
        self._recorder.event(replica_set, event_recorder.NORMAL, reason, message)

    def _warn(self, replica_set: Object, reason: str, message: str) -> None:
        self._recorder.event(replica_set, event_recorder.WARNING, reason, message)


def _key(obj: Object) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def _may_be_adopted(pod: Object, before: Object | None) -> bool:
    """Whether a Pod without a controller is new, or has changed in what selectors look at."""
    if before is None or ownership.controller_of(before) is not None:
        return True
    return bool(before["metadata"].get("labels") != pod["metadata"].get("labels"))
