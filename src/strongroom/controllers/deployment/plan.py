"""What is to be done to the ReplicaSets of a Deployment, collected while it is decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from strongroom.api import resources
from strongroom.controllers import ownership, pod_template
from strongroom.controllers.deployment.view import Deployment, ReplicaSet
from strongroom.machinery import names
from strongroom.machinery.gvk import Object

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


@dataclass(frozen=True, slots=True)
class CreateReplicaSet:
    """Make a ReplicaSet of the Deployment's template."""

    name: str
    hash: str
    digest: str
    replicas: int
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChangeReplicaSet:
    """Change fields of a ReplicaSet, if it is still at its resourceVersion, and say so if `told`."""

    name: str
    patch: Object = field(repr=False)
    told: str = ""


@dataclass(frozen=True, slots=True)
class DeleteReplicaSet:
    """Remove a ReplicaSet that only the history held."""

    name: str
    uid: str


Action = CreateReplicaSet | ChangeReplicaSet | DeleteReplicaSet


@dataclass(slots=True)
class _Change:
    of: ReplicaSet
    replicas: int | None = None
    min_ready_seconds: int | None = None
    annotations: dict[str, str] = field(default_factory=dict)


class Plan:
    """Changes of each ReplicaSet become one patch."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._created: list[Action] = []
        self._changes: dict[str, _Change] = {}
        self._deleted: list[Action] = []

    @property
    def actions(self) -> list[Action]:
        return [*self._created, *map(_action, self._changes.values()), *self._deleted]

    def create(self, name: str, hash: str, replicas: int, annotations: Mapping[str, str]) -> None:
        digest = self._deployment.digest
        self._created.append(CreateReplicaSet(name, hash, digest, replicas, annotations))

    def delete(self, replica_set: ReplicaSet) -> None:
        self._deleted.append(DeleteReplicaSet(replica_set.name, replica_set.uid))

    def annotate(self, replica_set: ReplicaSet, annotations: Mapping[str, str]) -> None:
        """Set those that are not so already."""
        changed = {k: v for k, v in annotations.items() if replica_set.annotations.get(k) != v}
        if changed:
            self._change(replica_set).annotations |= changed

    def min_ready_seconds(self, replica_set: ReplicaSet, seconds: int) -> None:
        if replica_set.min_ready_seconds != seconds:
            self._change(replica_set).min_ready_seconds = seconds

    def scale(self, replica_set: ReplicaSet, to: int) -> bool:
        """Give it so many replicas, and note the Deployment's size in it; whether the number is another."""
        self.annotate(replica_set, self.sizes())
        if self.size(replica_set) == to:
            return False
        self._change(replica_set).replicas = to
        return True

    def size(self, replica_set: ReplicaSet) -> int:
        """The replicas it will have."""
        change = self._changes.get(replica_set.name)
        return replica_set.replicas if change is None or change.replicas is None else change.replicas

    def sizes(self) -> dict[str, str]:
        """The Deployment's size, as it is noted in its ReplicaSets."""
        replicas = self._deployment.replicas
        return {DESIRED: str(replicas), MAXIMUM: str(replicas + self._deployment.surge)}

    def _change(self, replica_set: ReplicaSet) -> _Change:
        return self._changes.setdefault(replica_set.name, _Change(replica_set))


def _action(change: _Change) -> ChangeReplicaSet:
    of, spec, told = change.of, {}, ""
    if change.replicas is not None:
        spec["replicas"] = change.replicas
        direction = "up" if change.replicas > of.replicas else "down"
        told = f"Scaled {direction} replica set {of.name} from {of.replicas} to {change.replicas}"
    if change.min_ready_seconds is not None:
        spec["minReadySeconds"] = change.min_ready_seconds
    patch: Object = {"metadata": {"uid": of.uid, "resourceVersion": of.resource_version}}
    if change.annotations:
        patch["metadata"]["annotations"] = change.annotations
    if spec:
        patch["spec"] = spec
    return ChangeReplicaSet(of.name, patch, told)


def name_of(deployment: str, hash: str) -> str:
    """The name of the ReplicaSet of a template; the Deployment's is cut where both together are too long."""
    return f"{deployment[: names.SUBDOMAIN_MAX - len(hash) - 1]}-{hash}"


def replica_set(deployment: Object, action: CreateReplicaSet) -> Object:
    """The new ReplicaSet of a whole Deployment: its selector and its Pods carry the hash as a label."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    hashed = {pod_template.HASH_LABEL: action.hash}
    template = spec["template"]
    given = template.get("metadata") or {}
    labels = {**(given.get("labels") or {}), **hashed}
    selector = spec["selector"]
    made: Object = {
        "replicas": action.replicas,
        "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), **hashed}},
        "template": {**template, "metadata": {**given, "labels": labels}},
    }
    if seconds := spec.get("minReadySeconds"):
        made["minReadySeconds"] = seconds
    return {
        "kind": resources.REPLICA_SETS.kind,
        "apiVersion": resources.REPLICA_SETS.api_version,
        "metadata": {
            "name": action.name,
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": dict(action.annotations),
            "ownerReferences": [ownership.reference_to(deployment, resources.DEPLOYMENTS)],
        },
        "spec": made,
    }
