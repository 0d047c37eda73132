"""Strategy RollingUpdate: the new ReplicaSet grows as the surge allows, the old shrink as Pods get ready.

Source: Kubernetes documentation, "Deployments" (rolling update, max surge, max unavailable).
"""

from collections.abc import Sequence

from strongroom.controllers.deployment import revisions, view
from strongroom.controllers.deployment.plan import Plan
from strongroom.controllers.deployment.view import Deployment, ReplicaSet


def size_of_new(deployment: Deployment, new_replicas: int, all_replicas: int) -> int:
    """How many replicas the new ReplicaSet may have, of `all_replicas` that there are with its own."""
    if deployment.recreate:
        return deployment.replicas
    room = deployment.replicas + deployment.surge - all_replicas
    if room <= 0:
        return new_replicas
    return new_replicas + min(room, deployment.replicas - new_replicas)


def roll(plan: Plan, deployment: Deployment, new: ReplicaSet, old: Sequence[ReplicaSet]) -> bool:
    """One step: up, or when there is no room, down; whether there was one."""
    if new.replicas > deployment.replicas:
        return plan.scale(new, deployment.replicas)
    size = size_of_new(deployment, new.replicas, view.total([new, *old]))
    if new.replicas != deployment.replicas and plan.scale(new, size):
        return True
    return _shrink_old(plan, deployment, new, [each for each in old if each.replicas])


def _shrink_old(plan: Plan, deployment: Deployment, new: ReplicaSet, old: Sequence[ReplicaSet]) -> bool:
    least = deployment.replicas - deployment.unavailable
    # New Pods that are not available may never be: nothing is taken away on their account.
    not_yet = new.replicas - new.available
    budget = view.total([new, *old]) - least - not_yet
    if budget <= 0:
        return False
    oldest_first = revisions.by_age(old)
    scaled = _drop_unhealthy(plan, oldest_first, budget)
    available = new.available + sum(each.available for each in old)
    for each in oldest_first:
        spare = available - least
        size = plan.size(each)
        if spare <= 0:
            break
        less = min(size, spare)
        if less:
            scaled |= plan.scale(each, size - less)
            available -= less
    return scaled


def _drop_unhealthy(plan: Plan, oldest_first: Sequence[ReplicaSet], budget: int) -> bool:
    """Old Pods that are not available go first: nobody misses them."""
    scaled = False
    for each in oldest_first:
        less = min(budget, each.replicas - each.available)
        if less > 0:
            scaled |= plan.scale(each, each.replicas - less)
            budget -= less
    return scaled
