"""The loop of the restarts. It looks at a namespace at a time, since Secrets don't reach beyond theirs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.api.apps.v1 import restart_on_change
from strongroom.client import event_recorder
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.requests import MERGE_PATCH
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import workload_cache
from strongroom.controllers.controller import Controller
from strongroom.controllers.restart import decision, record, secret_watches, view
from strongroom.controllers.restart.decision import Action, Note, Roll, Say, State
from strongroom.controllers.restart.seal import SealingKey
from strongroom.controllers.restart.secret_watches import SecretWatches
from strongroom.controllers.restart.view import Workload
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

NAME = "restart-controller"
RESTARTED = "RestartedOnSecretChange"
STOPPED = "RestartOnSecretChangeStopped"
TOO_MANY = "TooManySecretsToWatch"
_BEHIND = 0.05
_FULL = 60.0


class RestartController:
    """Keys are namespaces. `deployments` holds what `workload_cache` keeps of them."""

    def __init__(
        self, client: Client, deployments: Informer, key: SealingKey, recorder: EventRecorder, clock: Clock
    ) -> None:
        self._client = client
        self._deployments = deployments
        self._key = key
        self._recorder = recorder
        self._clock = clock
        self._concerned: defaultdict[str, set[str]] = defaultdict(set)
        """By namespace, the names of the workloads that were found to be concerned."""
        self._templates: dict[tuple[str, str], tuple[str, int]] = {}
        """The digest of each one's template, and the resourceVersion that it was seen to come with, or 0."""
        self._written: dict[tuple[str, str], int] = {}
        self._left_out: dict[tuple[str, str], tuple[str, ...]] = {}
        """The Secrets that each one names and nobody watches, as it was told."""
        self._loop = Controller(NAME, self._reconcile, (deployments,), clock)
        self._secrets = SecretWatches(client, key, self._loop.queue.add, clock)
        deployments.subscribe(self._deployment_changed)

    async def run(self) -> None:
        try:
            await self._loop.run()
        finally:
            await self._secrets.aclose()

    def refilled(self) -> None:
        """The cache was filled anew: which write brought a template is not known any more."""
        self._templates = {key: (digest, 0) for key, (digest, _) in self._templates.items()}

    def _deployment_changed(self, kind: str, deployment: Object) -> None:
        metadata = deployment["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        if kind == DELETED or not view.concerns(deployment):
            self._templates.pop((namespace, name), None)
            self._written.pop((namespace, name), None)
            self._left_out.pop((namespace, name), None)
            if name not in self._concerned.get(namespace, ()):
                return
            self._concerned[namespace].discard(name)
        else:
            self._note_template(namespace, name, deployment)
            self._concerned[namespace].add(name)
        self._loop.queue.add(namespace)

    def _note_template(self, namespace: str, name: str, deployment: Object) -> None:
        digest = deployment[workload_cache.DIGEST]
        before = self._templates.get((namespace, name))
        if before is None:
            self._templates[namespace, name] = (digest, 0)
        elif before[0] != digest:
            self._templates[namespace, name] = (digest, int(deployment["metadata"]["resourceVersion"]))

    async def _reconcile(self, namespace: str) -> None:
        found = {name: self._deployments.get(namespace, name) for name in self._concerned.get(namespace, ())}
        deployments = {name: obj for name, obj in found.items() if obj is not None}
        workloads = [
            view.workload(obj, self._templates.get((namespace, name), ("", 0))[1])
            for name, obj in deployments.items()
        ]
        left_out = self._secrets.use(
            namespace,
            frozenset(secret for each in workloads if not each.deleting for secret in each.uses or ()),
        )
        self._tell_left_out(namespace, deployments, workloads, left_out)
        if not workloads:
            self._concerned.pop(namespace, None)
            return
        if any(self._is_behind(obj) for obj in deployments.values()):
            self._loop.queue.add_after(namespace, _BEHIND)
            return
        now = duration.timestamp(self._clock.now())
        decided = decision.decide(State(workloads, self._secrets.known(namespace), self._key, now))
        for action in decided.actions:
            await self._do(deployments[action.workload.name], action)
        if decided.look_again is not None:
            self._loop.queue.add_after(namespace, decided.look_again)

    def _tell_left_out(
        self,
        namespace: str,
        deployments: Mapping[str, Object],
        workloads: Sequence[Workload],
        left_out: frozenset[str],
    ) -> None:
        """A change of these restarts nobody, which the workload is told once."""
        for each in workloads:
            names = tuple(sorted(left_out.intersection(each.uses or ())))
            if names != self._left_out.get((namespace, each.name), ()):
                self._left_out[namespace, each.name] = names
                if names:
                    text = (
                        f"Pods will not follow changes of {len(names)} secrets, {names[0]} first: "
                        f"{secret_watches.OF_A_NAMESPACE} are watched in a namespace and "
                        f"{secret_watches.IN_ALL} in all"
                    )
                    self._recorder.event(deployments[each.name], event_recorder.WARNING, TOO_MANY, text)
        if left_out:
            self._loop.queue.add_after(namespace, _FULL)

    def _is_behind(self, deployment: Object) -> bool:
        """Whether what was written here has not come back yet."""
        metadata = deployment["metadata"]
        written = self._written.get((metadata["namespace"], metadata["name"]), 0)
        return int(metadata["resourceVersion"]) < written

    async def _do(self, deployment: Object, action: Action) -> None:
        match action:
            case Note(workload, noted):
                text = None if noted is None else record.dump(noted)
                annotations = {restart_on_change.OBSERVED: text}
                await self._patch(deployment, {"metadata": {"uid": workload.uid, "annotations": annotations}})
            case Roll(workload, noted, told):
                assert noted.restart is not None
                metadata = {
                    "uid": workload.uid,
                    "resourceVersion": workload.resource_version,
                    "annotations": {restart_on_change.OBSERVED: record.dump(noted)},
                }
                mark = {"annotations": {restart_on_change.RESTARTED_AT: noted.restart.at}}
                await self._patch(
                    deployment, {"metadata": metadata, "spec": {"template": {"metadata": mark}}}
                )
                self._recorder.event(deployment, event_recorder.NORMAL, RESTARTED, told)
            case Say(workload, conditions, warning):
                metadata = {"uid": workload.uid, "resourceVersion": workload.resource_version}
                status = {"conditions": list(conditions)}
                await self._patch(deployment, {"metadata": metadata, "status": status}, "status")
                if warning:
                    self._recorder.event(deployment, event_recorder.WARNING, STOPPED, warning)

    async def _patch(self, deployment: Object, patch: Object, subresource: str = "") -> None:
        metadata = deployment["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        answer = await self._client.patch(
            resources.DEPLOYMENTS,
            name,
            patch,
            namespace,
            subresource=subresource,
            content_type=MERGE_PATCH,
        )
        self._written[namespace, name] = int(answer["metadata"]["resourceVersion"])
