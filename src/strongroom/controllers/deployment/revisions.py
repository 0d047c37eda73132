"""Which ReplicaSet is the Deployment's present one, which are its past, and how that is noted in annotations.

Source: Kubernetes documentation, "Deployments" (rolling back, clean up policy).
"""

from collections.abc import Iterable, Mapping, Sequence

from strongroom.api.apps.v1 import restart_on_change
from strongroom.controllers.deployment.plan import DESIRED, MAXIMUM, Plan
from strongroom.controllers.deployment.view import REVISION, Deployment, ReplicaSet, number

HISTORY = "deployment.kubernetes.io/revision-history"
_HISTORY_LENGTH = 2000
_OWN = frozenset(
    (
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        HISTORY,
        DESIRED,
        MAXIMUM,
        restart_on_change.OBSERVED,
    )
)
"""Annotations that a ReplicaSet does not take over from its Deployment."""


def by_age(sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """The oldest first."""
    return sorted(sets, key=lambda each: (each.created, each.name))


def find_new(deployment: Deployment, sets: Iterable[ReplicaSet]) -> ReplicaSet | None:
    """The oldest that is of the present template."""
    return next((each for each in by_age(sets) if each.digest == deployment.digest), None)


def next_revision(old: Sequence[ReplicaSet]) -> int:
    return max((each.revision for each in old), default=0) + 1


def annotations_of_new(deployment: Deployment, revision: int) -> dict[str, str]:
    """What a ReplicaSet that is made now gets."""
    return {**_inherited(deployment), REVISION: str(revision)}


def annotate_present(plan: Plan, deployment: Deployment, new: ReplicaSet, revision: int) -> str:
    """Bring the annotations of the present ReplicaSet up to date; gives its revision.

    One from the past that is the present one again gets a new revision and remembers the old one."""
    wanted = _inherited(deployment)
    if new.revision < revision:
        wanted[REVISION] = str(revision)
        if (old := new.annotations.get(REVISION)) is not None:
            wanted[HISTORY] = _remember(new.annotations.get(HISTORY, ""), old)
    plan.annotate(new, wanted)
    return wanted.get(REVISION) or new.annotations[REVISION]


def _inherited(deployment: Deployment) -> dict[str, str]:
    return {key: value for key, value in deployment.annotations.items() if key not in _OWN}


def _remember(history: str, revision: str) -> str:
    revisions = [*filter(None, history.split(",")), revision]
    while len(",".join(revisions)) > _HISTORY_LENGTH:
        revisions.pop(0)
    return ",".join(revisions)


def clean_up(plan: Plan, deployment: Deployment, old: Iterable[ReplicaSet]) -> None:
    """Delete the oldest revisions beyond the limit; one that still has Pods, or may have, stays."""
    if deployment.history_limit is None:
        return
    alive = sorted((each for each in old if not each.deleting), key=lambda each: each.revision)
    surplus = max(0, len(alive) - deployment.history_limit)
    for each in alive[:surplus]:
        if each.actual == 0 and plan.size(each) == 0 and each.replicas == 0 and each.settled:
            plan.delete(each)


def size_noted(replica_set: ReplicaSet) -> int | None:
    """The number of replicas that the Deployment had when it last changed this ReplicaSet."""
    return _number(replica_set.annotations, DESIRED)


def maximum_noted(replica_set: ReplicaSet) -> int:
    """The most Pods that the Deployment allowed then, 0 if that is not known."""
    return _number(replica_set.annotations, MAXIMUM) or 0


def _number(annotations: Mapping[str, str], key: str) -> int | None:
    return number(annotations[key]) if key in annotations else None
