"""A change of the Deployment's size: of its one active ReplicaSet, or during a rollout of all, in proportion.

Source: Kubernetes documentation, "Deployments" (proportional scaling).
"""

from collections.abc import Sequence

from strongroom.controllers.deployment import revisions, view
from strongroom.controllers.deployment.plan import Plan
from strongroom.controllers.deployment.view import Deployment, ReplicaSet


def is_scaling(deployment: Deployment, sets: Sequence[ReplicaSet]) -> bool:
    """Whether a ReplicaSet that has replicas was last changed for another size."""
    noted = (revisions.size_noted(each) for each in sets if each.replicas)
    return any(size is not None and size != deployment.replicas for size in noted)


def scale(plan: Plan, deployment: Deployment, new: ReplicaSet | None, old: Sequence[ReplicaSet]) -> None:
    active = [each for each in (*old, *([new] if new else [])) if each.replicas]
    if len(active) <= 1:
        only = active[0] if active else new or next(reversed(revisions.by_age(old)), None)
        if only is not None:
            plan.scale(only, deployment.replicas)
        return
    if new is not None and _is_saturated(deployment, new):
        for each in old:
            if each.replicas:
                plan.scale(each, 0)
        return
    if not deployment.recreate:
        _in_proportion(plan, deployment, active)


def _is_saturated(deployment: Deployment, new: ReplicaSet) -> bool:
    """Whether the new ReplicaSet does the whole work by itself."""
    sizes = (new.replicas, new.available, revisions.size_noted(new))
    return all(size == deployment.replicas for size in sizes)


def _in_proportion(plan: Plan, deployment: Deployment, active: Sequence[ReplicaSet]) -> None:
    allowed = deployment.replicas + deployment.surge if deployment.replicas else 0
    to_add = allowed - view.total(active)
    # The largest first; of equal ones the newest grows first and the oldest shrinks first.
    ordered = sorted(revisions.by_age(active), key=lambda each: each.replicas)
    if to_add > 0:
        ordered.reverse()
    else:
        ordered = sorted(revisions.by_age(active), key=lambda each: -each.replicas)
    sizes, added = [], 0
    for each in ordered:
        share = _share(deployment, each, to_add, added)
        sizes.append(each.replicas + share)
        added += share
    if to_add:
        sizes[0] = max(0, sizes[0] + to_add - added)  # what rounding has left
    for each, size in zip(ordered, sizes, strict=True):
        plan.scale(each, size)


def _share(deployment: Deployment, each: ReplicaSet, to_add: int, added: int) -> int:
    left = to_add - added
    if not left:
        return 0
    fraction = _fraction(deployment, each)
    return min(fraction, left) if to_add > 0 else max(fraction, left)


def _fraction(deployment: Deployment, each: ReplicaSet) -> int:
    """How much larger it is to be for it to keep its part of the whole."""
    if deployment.replicas == 0:
        return -each.replicas
    before = revisions.maximum_noted(each) or deployment.status.get("replicas", 0)
    if not before:
        return 0
    size = each.replicas * (deployment.replicas + deployment.surge) / before
    return int(size + 0.5) - each.replicas
