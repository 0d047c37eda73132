"""What a Deployment needs done to its ReplicaSets, and the status that it then has. Pure.

Source: Kubernetes documentation, "Deployments".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from strongroom.controllers import pod_template
from strongroom.controllers.deployment import (
    conditions,
    plan,
    recreate,
    revisions,
    rolling_update,
    scaling,
    view,
)
from strongroom.controllers.deployment import status as statuses
from strongroom.controllers.deployment.plan import Plan
from strongroom.controllers.deployment.view import REVISION, Deployment, ReplicaSet
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object


@dataclass(frozen=True, slots=True)
class State:
    """A Deployment, the ReplicaSets that it has, and for strategy Recreate their Pods by uid of these."""

    deployment: Deployment
    replica_sets: Sequence[ReplicaSet]
    pods: Mapping[str, Sequence[Object]]
    now: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """`actions` in order; then `patch` of the Deployment's status; then a look again in `look_again` seconds.

    None: there is nothing to write, or no need to look. An action that fails leaves the rest undone."""

    actions: Sequence[plan.Action]
    patch: Object | None = field(repr=False)
    look_again: float | None


def decide(state: State) -> Decision:
    return _Decider(state).decide()


class _Decider:
    def __init__(self, state: State) -> None:
        self._deployment = state.deployment
        self._pods = state.pods
        self._now = state.now
        self._plan = Plan(state.deployment)
        self._revision = ""
        self._conditions = _paused_or_resumed(state.deployment, state.now)
        self._new = revisions.find_new(state.deployment, state.replica_sets)
        self._old = [each for each in state.replica_sets if each is not self._new]

    def decide(self) -> Decision:
        deployment = self._deployment
        if self._new is not None:
            self._keep_up(self._new)
        if deployment.deleting:
            status = self._plain_status()
        elif deployment.paused or scaling.is_scaling(deployment, self._sets):
            scaling.scale(self._plan, deployment, self._new, self._old)
            if deployment.paused:
                revisions.clean_up(self._plan, deployment, self._old)
            status = self._plain_status()
        else:
            if not (self._recreate() if deployment.recreate else self._roll()):
                self._clean_up_when_complete()
            status = statuses.rollout(deployment, self._conditions, self._new, self._sets, self._now)
        patch = _patch(deployment, status, self._revision)
        look_again = None if deployment.paused else statuses.look_again_in(deployment, status, self._now)
        return Decision(self._plan.actions, patch, look_again)

    @property
    def _sets(self) -> list[ReplicaSet]:
        return [*self._old, *([self._new] if self._new is not None else [])]

    def _plain_status(self) -> Object:
        return statuses.plain(self._deployment, self._conditions, self._new, self._sets, self._now)

    def _keep_up(self, new: ReplicaSet) -> None:
        """The present ReplicaSet follows what of the Deployment is not in the template."""
        revision = revisions.next_revision(self._old)
        self._revision = revisions.annotate_present(self._plan, self._deployment, new, revision)
        self._plan.min_ready_seconds(new, self._deployment.min_ready_seconds)
        if conditions.find(self._conditions, conditions.PROGRESSING) is None:
            self._tell(conditions.FOUND, f'Found new replica set "{new.name}"')

    def _create(self) -> ReplicaSet:
        deployment = self._deployment
        ending = pod_template.name_hash(deployment.digest, deployment.collisions)
        name = plan.name_of(deployment.name, ending)
        replicas = rolling_update.size_of_new(deployment, 0, view.total(self._old))
        revision = revisions.next_revision(self._old)
        annotations = {**revisions.annotations_of_new(deployment, revision), **self._plan.sizes()}
        self._plan.create(name, ending, replicas, annotations)
        self._revision = str(revision)
        self._tell(conditions.CREATED, f'Created new replica set "{name}"')
        self._new = ReplicaSet(name, annotations=annotations, replicas=replicas)
        return self._new

    def _tell(self, reason: str, message: str) -> None:
        if self._deployment.deadline is not None:
            stamp = duration.timestamp(self._now)
            progress = conditions.condition(conditions.PROGRESSING, "True", reason, message, stamp)
            self._conditions = conditions.with_condition(self._conditions, progress)

    def _roll(self) -> bool:
        """Whether a ReplicaSet changes its size."""
        new = self._new or self._create()
        return rolling_update.roll(self._plan, self._deployment, new, self._old)

    def _recreate(self) -> bool:
        if recreate.shrink_old(self._plan, self._old):
            return True
        if recreate.old_pods_run(self._new, self._old, self._pods):
            return True
        if self._new is None:
            self._create()
            return True
        return self._plan.scale(self._new, self._deployment.replicas)

    def _clean_up_when_complete(self) -> None:
        if statuses.is_complete(self._deployment, self._deployment.status):
            revisions.clean_up(self._plan, self._deployment, self._old)


def _paused_or_resumed(deployment: Deployment, now: datetime) -> list[Object]:
    """The conditions; while it is paused the deadline does not run, and afterwards it begins anew."""
    present = deployment.conditions
    reason = conditions.reason(present, conditions.PROGRESSING)
    if deployment.deadline is None or reason == conditions.TIMED_OUT:
        return present
    if deployment.paused and reason != conditions.PAUSED:
        said = (conditions.PAUSED, "Deployment is paused")
    elif not deployment.paused and reason == conditions.PAUSED:
        said = (conditions.RESUMED, "Deployment is resumed")
    else:
        return present
    stamp = duration.timestamp(now)
    progress = conditions.condition(conditions.PROGRESSING, conditions.UNKNOWN, *said, stamp)
    return conditions.with_condition(present, progress)


def _patch(deployment: Deployment, status: Object, revision: str) -> Object | None:
    """The merge patch of the status, and of the annotation with the revision."""
    metadata: Object = {"uid": deployment.uid, "resourceVersion": deployment.resource_version}
    same = all(deployment.status.get(field) == status.get(field) for field in statuses.FIELDS)
    if revision and deployment.annotations.get(REVISION) != revision:
        metadata["annotations"] = {REVISION: revision}
        same = False
    if same:
        return None
    return {"metadata": metadata, "status": {field: status.get(field) for field in statuses.FIELDS}}


def creation_failed(deployment: Deployment, name: str, why: str, now: datetime) -> tuple[str, Object | None]:
    """What is said when the ReplicaSet could not be made, and the patch that says so in the status."""
    text = f'Failed to create new replica set "{name}": {why}'
    if deployment.deadline is None:
        return text, None
    stamp = duration.timestamp(now)
    failed = conditions.condition(conditions.PROGRESSING, "False", conditions.CREATE_ERROR, text, stamp)
    found = conditions.with_condition(deployment.conditions, failed)
    return text, _patch(deployment, {**deployment.status, "conditions": found}, "")


def collided(deployment: Deployment) -> Object:
    """The patch after which the ReplicaSet gets another name: this one is somebody else's."""
    counted = {**deployment.status, "collisionCount": (deployment.collisions or 0) + 1}
    patch = _patch(deployment, counted, "")
    assert patch is not None
    return patch
