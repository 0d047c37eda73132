"""What is to be done about an object whose owners, or whose dependents, are going.

Rules: Kubernetes documentation, "Garbage Collection", "Use Cascading Deletion in a Cluster".
All decisions are made on the object as it is now, and are conditional on it staying so.
"""

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Any

from strongroom.client import requests
from strongroom.controllers import actions
from strongroom.controllers.actions import Action
from strongroom.controllers.garbage_collection.graph import Node
from strongroom.machinery import meta
from strongroom.machinery.gvk import Object


class State(Enum):
    """How an owner is."""

    ALIVE = auto()
    GONE = auto()
    WAITING = auto()
    """It is being deleted in the foreground: its dependents go first."""


def for_dependent(
    node: Node, obj: Object, states: Mapping[str, State], *, has_dependents: bool
) -> list[Action]:
    """For an object that is not being deleted. `states`: of each of its owners, by uid.

    With an owner left it only loses the references to the others; with none it goes."""
    leaving = [uid for uid, state in states.items() if state is not State.ALIVE]
    if not leaving:
        return []
    if len(leaving) < len(states):
        return [_without_owners(node, leaving, obj["metadata"]["resourceVersion"])]
    waited_for = any(state is State.WAITING for state in states.values())
    # What is waited for must not leave dependents of its own behind.
    policy = "Foreground" if waited_for and has_dependents else _policy(obj)
    return [actions.Delete(node.resource, node.namespace, node.name, node.uid, policy)]


def for_cycle(node: Node, dependents: Iterable[Node]) -> list[Action]:
    """For an object that is about to be deleted in the foreground: where its dependents are being so already,
    two could wait for each other, so this one stops being waited for."""
    if not any(dependent.foreground for dependent in dependents):
        return []
    references = [{"uid": owner.uid, "blockOwnerDeletion": False} for owner in node.owners if owner.blocks]
    return [_patch(node, {"uid": node.uid, "ownerReferences": references})] if references else []


def for_foreground(node: Node, obj: Object, dependents: Iterable[Node]) -> tuple[list[Action], list[str]]:
    """For an owner that waits for its dependents: what to do, and which of them are to be looked at."""
    blocking = [d for d in dependents if any(o.uid == node.uid and o.blocks for o in d.owners)]
    if not blocking:
        return [_without_finalizer(node, obj, meta.FOREGROUND)], []
    return [], [dependent.uid for dependent in blocking if not dependent.foreground]


def for_orphans(node: Node, obj: Object, dependents: Iterable[Node]) -> list[Action]:
    """For an owner that leaves its dependents: they forget it, then it goes."""
    released: list[Action] = [_without_owners(dependent, [node.uid]) for dependent in dependents]
    return [*released, _without_finalizer(node, obj, meta.ORPHAN)]


def _policy(obj: Object) -> str:
    finalizers = obj["metadata"].get("finalizers") or ()
    if meta.ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if meta.FOREGROUND in finalizers else "Background"


def _without_owners(node: Node, uids: Iterable[str], resource_version: str = "") -> actions.Patch:
    metadata: dict[str, Any] = {"uid": node.uid}
    if resource_version:
        metadata["resourceVersion"] = resource_version
    metadata["ownerReferences"] = [{"$patch": "delete", "uid": uid} for uid in uids]
    return _patch(node, metadata)


def _patch(node: Node, metadata: Object) -> actions.Patch:
    patch = {"metadata": metadata}
    return actions.Patch(
        node.resource, node.namespace, node.name, patch, content_type=requests.STRATEGIC_MERGE
    )


def _without_finalizer(node: Node, obj: Object, finalizer: str) -> actions.Patch:
    metadata = obj["metadata"]
    left = [each for each in metadata.get("finalizers") or () if each != finalizer]
    conditions = {"uid": node.uid, "resourceVersion": metadata["resourceVersion"]}
    patch = {"metadata": {**conditions, "finalizers": left}}
    return actions.Patch(node.resource, node.namespace, node.name, patch)
