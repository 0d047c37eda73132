"""Strategy Recreate: all old Pods go, and only when none is left the new ones come.

Source: Kubernetes documentation, "Deployments" (recreate).
"""

from collections.abc import Iterable, Mapping, Sequence

from strongroom.controllers import pod_state
from strongroom.controllers.deployment.plan import Plan
from strongroom.controllers.deployment.view import ReplicaSet
from strongroom.machinery.gvk import Object


def shrink_old(plan: Plan, old: Iterable[ReplicaSet]) -> bool:
    """Scale all of them to nothing; whether any was not."""
    scaled = [plan.scale(each, 0) for each in old if each.replicas]
    return any(scaled)


def old_pods_run(
    new: ReplicaSet | None, old: Iterable[ReplicaSet], pods: Mapping[str, Sequence[Object]]
) -> bool:
    """Whether a Pod of another version has not ended. `pods`: by the uid of their ReplicaSet."""
    if any(each.actual for each in old):
        return True
    present = new.uid if new is not None else ""
    return any(
        not pod_state.is_finished(pod) for uid, those in pods.items() if uid != present for pod in those
    )
