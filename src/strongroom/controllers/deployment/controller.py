"""The loop of the Deployments."""

from collections.abc import Sequence

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client import event_recorder
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions, ownership, pod_state, pod_template, selection
from strongroom.controllers.actions import Action, Delete, Patch
from strongroom.controllers.controller import Controller
from strongroom.controllers.deployment import conditions, decision, plan, view
from strongroom.controllers.deployment.decision import State
from strongroom.controllers.deployment.plan import ChangeReplicaSet, CreateReplicaSet, DeleteReplicaSet
from strongroom.controllers.deployment.view import Deployment
from strongroom.machinery import status
from strongroom.machinery.gvk import Object

NAME = "deployment-controller"
_KIND = resources.DEPLOYMENTS.kind
_WORKERS = 5
_SCALING = "ScalingReplicaSet"


class DeploymentController:
    """Keys are `namespace/name` of Deployments.

    `deployments` and `replica_sets` hold what `workload_cache` keeps of them."""

    def __init__(
        self,
        client: Client,
        deployments: Informer,
        replica_sets: Informer,
        pods: Informer,
        recorder: EventRecorder,
        clock: Clock,
    ) -> None:
        self._client = client
        self._deployments = deployments
        self._recorder = recorder
        self._clock = clock
        self._selectors = selection.Selectors()
        self._replica_sets = ownership.Index(self._replica_set_changed)
        self._owners: dict[str, str] = {}
        """The keys of the Deployments by the uid of their ReplicaSets."""
        self._pods = ownership.Index(self._pod_changed)
        informers = (deployments, replica_sets, pods)
        self._loop = Controller(NAME, self._reconcile, informers, clock, workers=_WORKERS)
        deployments.subscribe(self._deployment_changed)
        replica_sets.subscribe(self._replica_sets.changed)
        pods.subscribe(self._pods.changed)

    async def run(self) -> None:
        await self._loop.run()

    # What concerns whom

    def _deployment_changed(self, kind: str, deployment: Object) -> None:
        self._selectors.changed(kind, deployment)
        if kind != DELETED:
            metadata = deployment["metadata"]
            self._loop.queue.add(f"{metadata['namespace']}/{metadata['name']}")

    def _replica_set_changed(self, kind: str, replica_set: Object, before: Object | None) -> None:
        metadata, owner = replica_set["metadata"], ownership.controller_of(replica_set)
        namespace = metadata["namespace"]
        self._owners.pop(metadata["uid"], None)
        if owner is not None and owner.kind == _KIND:
            key = f"{namespace}/{owner.name}"
            self._loop.queue.add(key)
            if kind != DELETED:
                self._owners[metadata["uid"]] = key
        was = ownership.controller_of(before) if before is not None else None
        if was is not None and was.kind == _KIND and was != owner:
            self._loop.queue.add(f"{namespace}/{was.name}")
        if owner is None and kind != DELETED:
            for name in self._selectors.matching(namespace, metadata.get("labels")):
                self._loop.queue.add(f"{namespace}/{name}")

    def _pod_changed(self, kind: str, pod: Object, before: Object | None) -> None:
        """Strategy Recreate waits for the end of Pods; all else that matters is in the ReplicaSets."""
        if kind != DELETED and not pod_state.is_finished(pod):
            return
        owner = ownership.controller_of(pod)
        key = self._owners.get(owner.uid) if owner is not None else None
        if key is None:
            return
        deployment = self._deployments.get(*key.split("/"))
        if deployment is not None and (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            self._loop.queue.add(key)

    # What is done for one

    async def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        obj = self._deployments.get(namespace, name)
        if obj is None:
            return
        own = await self._own_replica_sets(obj)
        if own is None:
            return
        deployment = view.deployment(obj)
        pods = self._pods_of(own) if deployment.recreate else {}
        found = decision.decide(
            State(deployment, [view.replica_set(each) for each in own], pods, self._clock.now())
        )
        for action in found.actions:
            if not await self._do(obj, deployment, action):
                return
        if found.patch is not None:
            await self._write_status(deployment, found.patch)
        if found.look_again is not None:
            self._loop.queue.add_after(key, found.look_again)

    async def _own_replica_sets(self, deployment: Object) -> list[Object] | None:
        """Those that the Deployment has. None: it took or left some, which comes back as an event."""
        metadata = deployment["metadata"]
        candidates = self._replica_sets.controlled_by(metadata["uid"])
        candidates += self._replica_sets.uncontrolled(metadata["namespace"])
        claim = ownership.claim(deployment, self._selectors.of(deployment), candidates)
        changes: list[Action] = [
            ownership.adoption(deployment, resources.DEPLOYMENTS, each, resources.REPLICA_SETS)
            for each in claim.adopt
        ]
        changes += [ownership.releasing(deployment, each, resources.REPLICA_SETS) for each in claim.release]
        if not changes:
            return claim.held
        await self._live(deployment)
        await actions.perform(self._client, changes)
        return None

    def _pods_of(self, replica_sets: Sequence[Object]) -> dict[str, Sequence[Object]]:
        uids = [each["metadata"]["uid"] for each in replica_sets]
        return {uid: self._pods.controlled_by(uid) for uid in uids}

    async def _live(self, deployment: Object) -> Object:
        """The Deployment as the API has it now. Raises StatusError: it is not there, or is about to go."""
        metadata = deployment["metadata"]
        live = await self._client.get(resources.DEPLOYMENTS, metadata["name"], metadata["namespace"])
        if live["metadata"]["uid"] != metadata["uid"] or live["metadata"].get("deletionTimestamp"):
            raise status.not_found(resources.DEPLOYMENTS, metadata["name"])
        return live

    async def _do(self, obj: Object, deployment: Deployment, action: plan.Action) -> bool:
        """Whether there is a point in going on."""
        match action:
            case CreateReplicaSet():
                return await self._create(obj, deployment, action)
            case ChangeReplicaSet(name, patch, told):
                change = Patch(resources.REPLICA_SETS, deployment.namespace, name, patch)
                await actions.perform(self._client, [change])
                if told:
                    self._recorder.event(obj, event_recorder.NORMAL, _SCALING, told)
            case DeleteReplicaSet(name, uid):
                gone = Delete(resources.REPLICA_SETS, deployment.namespace, name, uid)
                await actions.perform(self._client, [gone])
        return True

    async def _create(self, obj: Object, deployment: Deployment, action: CreateReplicaSet) -> bool:
        live = await self._live(obj)
        if pod_template.digest(live["spec"]["template"]) != action.digest:
            raise status.conflict(resources.DEPLOYMENTS, deployment.name)  # the cache is behind
        made = plan.replica_set(live, action)
        try:
            await self._client.create(resources.REPLICA_SETS, made, deployment.namespace)
        except status.StatusError as error:
            if error.reason == "AlreadyExists":
                await self._check_own(deployment, action)
                return True
            if actions.namespace_ends(error):
                return False
            await self._say_failed(obj, deployment, action, error)
            raise
        if action.replicas:
            text = f"Scaled up replica set {action.name} from 0 to {action.replicas}"
            self._recorder.event(obj, event_recorder.NORMAL, _SCALING, text)
        return True

    async def _check_own(self, deployment: Deployment, action: CreateReplicaSet) -> None:
        """That what has the name is what was to be made. Raises StatusError when not: a new name is next."""
        present = await self._client.get(resources.REPLICA_SETS, action.name, deployment.namespace)
        owner = ownership.controller_of(present)
        is_own = owner is not None and owner.uid == deployment.uid
        if is_own and pod_template.digest(present["spec"]["template"]) == action.digest:
            return
        await self._write_status(deployment, decision.collided(deployment))
        raise status.already_exists(resources.REPLICA_SETS, action.name)

    async def _say_failed(
        self, obj: Object, deployment: Deployment, action: CreateReplicaSet, error: status.StatusError
    ) -> None:
        text, patch = decision.creation_failed(deployment, action.name, error.message, self._clock.now())
        self._recorder.event(obj, event_recorder.WARNING, conditions.CREATE_ERROR, text)
        if patch is not None:
            await self._write_status(deployment, patch)

    async def _write_status(self, deployment: Deployment, patch: Object) -> None:
        change = Patch(
            resources.DEPLOYMENTS, deployment.namespace, deployment.name, patch, subresource="status"
        )
        await actions.perform(self._client, [change])
