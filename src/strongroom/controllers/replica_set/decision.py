"""What a ReplicaSet needs done: Pods to gain or lose, to make or to end. Pure.

Source: Kubernetes documentation, "ReplicaSet".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from strongroom.api import resources
from strongroom.controllers import ownership, pod_state
from strongroom.controllers.actions import Patch
from strongroom.controllers.ownership import Claim
from strongroom.controllers.replica_set import ranking
from strongroom.machinery.gvk import Object

BURST = 500
"""Pods that are made or ended at once, at most."""


@dataclass(frozen=True, slots=True)
class State:
    """A ReplicaSet (as `workload_cache` keeps it) and its surroundings."""

    replica_set: Object
    claim: Claim
    related: Sequence[Object]
    """Active Pods of all ReplicaSets of the same workload."""
    counted: bool
    """Whether the Pods that are known are all there are; if not, none is made or ended."""
    now: datetime

    @property
    def active(self) -> list[Object]:
        """The Pods that count as replicas, once `decide`'s adoptions are done."""
        return [pod for pod in (*self.claim.held, *self.claim.adopt) if pod_state.is_active(pod)]

    @property
    def terminating(self) -> int:
        """Pods of it that were told to go and have not ended."""
        return sum(map(pod_state.is_terminating, self.claim.held))


@dataclass(frozen=True, slots=True)
class CreatePods:
    """Make that many Pods of the template."""

    count: int


@dataclass(frozen=True, slots=True)
class DeletePods:
    """End these."""

    pods: Sequence[Object] = field(repr=False)


Action = Patch | CreatePods | DeletePods


def decide(state: State) -> list[Action]:
    """What to do, in this order."""
    replica_set = state.replica_set
    found: list[Action] = [
        ownership.adoption(replica_set, resources.REPLICA_SETS, pod, resources.PODS)
        for pod in state.claim.adopt
    ]
    found += [ownership.releasing(replica_set, pod, resources.PODS) for pod in state.claim.release]
    if not state.counted or replica_set["metadata"].get("deletionTimestamp"):
        return found
    active, wanted = state.active, replica_set["spec"].get("replicas", 0)
    if len(active) < wanted:
        found.append(CreatePods(min(wanted - len(active), BURST)))
    elif len(active) > wanted:
        count = min(len(active) - wanted, BURST)
        found.append(DeletePods(ranking.to_delete(active, count, state.related, state.now)))
    return found
