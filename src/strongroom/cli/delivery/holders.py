"""Which version of a Secret each container holds, and who lags behind: pure, from what the API says.

The Pods say who is to be given the Secret, the nodes' receipts what has been delivered. A receipt is true for
as long as it says the newest version, whatever became of its node; of an older one it can only be said that
the node has not told of a newer.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from strongroom.api.core.v1.pod import secret_uses
from strongroom.api.core.v1.pod.secret_uses import VOLUME, Use
from strongroom.machinery.gvk import Object

_TERMINAL = ("Succeeded", "Failed")
RESTART = "restart the container"


class State(Enum):
    """How a container stands to the newest version."""

    CURRENT = "Current"
    PENDING = "Pending"
    """It has not been told to hold it yet."""
    FAILED = "Failed"
    """Files that could not be written."""
    STALE = "Stale"
    """It holds an older one for as long as it runs, or until its Pod is gone."""
    UNKNOWN = "Unknown"
    """Its node is not heard of."""
    UNSCHEDULED = "Unscheduled"
    """Its Pod has no node: nothing is delivered anywhere."""
    NOT_RUNNING = "NotRunning"
    """It does not run, and gets the newest version when it starts."""


@dataclass(frozen=True, slots=True)
class Holder:
    """One container and one way. `version` "": none, or none that is known."""

    pod: str
    pod_uid: str
    node: str
    use: Use
    state: State
    version: str = ""
    time: str = ""
    message: str = ""

    @property
    def follows(self) -> bool:
        """Whether the node brings it up to date by itself."""
        return self.use.way == VOLUME

    @property
    def lags(self) -> bool:
        """Whether it may hold an older version, or not hold the Secret yet that is to be delivered."""
        return self.state not in (State.CURRENT, State.UNSCHEDULED, State.NOT_RUNNING)

    def __str__(self) -> str:
        way = f"volume {self.use.volume}" if self.use.volume else "env"
        return f"{self.pod}/{self.use.container} ({way}: {self.version or 'none'})"


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the API says. `newest` is the Secret's resourceVersion, read before everything else; "" where
    there is no Secret. `away`: names of nodes that are not heard of."""

    secret: str
    newest: str
    pods: Iterable[Object]
    receipts: Mapping[str, Object]
    """By uid of the Pod."""
    away: frozenset[str] = frozenset()


def find(cluster: Cluster) -> list[Holder]:
    """Everyone who has the Secret or is to have it; by Pod."""
    pods = sorted(cluster.pods, key=lambda pod: str(pod["metadata"]["name"]))
    return [holder for pod in pods for holder in _of_pod(cluster, pod)]


def lagging(holders: Iterable[Holder], *, files_only: bool) -> list[Holder]:
    """Who does not hold the newest version; of files alone, or of all who hold the Secret."""
    return [holder for holder in holders if holder.lags and (holder.follows or not files_only)]


def _of_pod(cluster: Cluster, pod: Object) -> Iterator[Holder]:
    if (pod.get("status") or {}).get("phase") in _TERMINAL:
        return
    metadata = pod["metadata"]
    node = str((pod.get("spec") or {}).get("nodeName") or "")
    receipt = cluster.receipts.get(metadata["uid"], {})
    told = {_key(delivery): delivery for delivery in receipt.get("deliveries") or ()}
    running = _running(pod.get("status") or {})
    leaving = bool(metadata.get("deletionTimestamp"))
    for use in secret_uses.uses(pod):
        if use.secret != cluster.secret:
            continue
        delivery = told.get(use.key)
        if use.passing and delivery is None:
            continue  # through, or not begun
        found = delivery or {}
        runs = use.container in running
        state, message = _state(cluster, use, delivery, node, runs=runs, leaving=leaving)
        yield Holder(
            pod=str(metadata["name"]),
            pod_uid=str(metadata["uid"]),
            node=node,
            use=use,
            state=state,
            version=str(found.get("resourceVersion") or ""),
            time=str(found.get("time") or ""),
            message=message,
        )


def _state(
    cluster: Cluster, use: Use, delivery: Object | None, node: str, *, runs: bool, leaving: bool
) -> tuple[State, str]:
    """The state, and what is to be said of it."""
    version = str((delivery or {}).get("resourceVersion") or "")
    problem = str((delivery or {}).get("message") or "")
    if version and cluster.newest and int(version) >= int(cluster.newest):
        return State.CURRENT, problem
    if not node:
        return State.UNSCHEDULED, ""
    if node in cluster.away:
        return State.UNKNOWN, f"node {node} is not ready"
    if leaving:
        return State.STALE, "the Pod is being deleted"
    if use.way != VOLUME:
        if delivery is None:
            return (State.PENDING if runs else State.NOT_RUNNING), ""
        return State.STALE, RESTART
    if not cluster.newest and version:
        return State.STALE, problem or "the Secret is gone"
    return (State.FAILED, problem) if problem else (State.PENDING, "")


def _running(status: Object) -> set[str]:
    """The containers that run, by name."""
    kinds = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    found = [each for kind in kinds for each in status.get(kind) or ()]
    return {str(each["name"]) for each in found if (each.get("state") or {}).get("running") is not None}


def _key(delivery: Object) -> tuple[str, ...]:
    return tuple(str(delivery.get(part) or "") for part in ("secret", "container", "way", "volume"))
