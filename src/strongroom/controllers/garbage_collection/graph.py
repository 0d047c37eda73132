"""Who owns whom, as events tell it. It holds objects that have owners or are being deleted, and no others."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from strongroom.client.watching import DELETED
from strongroom.machinery import meta
from strongroom.machinery.gvk import Object, Resource

_GONE_KEPT = 10_000
_KEPT = ("name", "namespace", "uid", "resourceVersion", "ownerReferences", "finalizers", "deletionTimestamp")


class Owner(NamedTuple):
    """One of an object's ownerReferences. `blocks`: the owner's foreground deletion waits for the object."""

    api_version: str
    kind: str
    name: str
    uid: str
    blocks: bool


class Node(NamedTuple):
    """An object, as far as ownership goes."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    owners: tuple[Owner, ...]
    foreground: bool
    """It is being deleted, and waits for its dependents to go first."""
    orphans: bool
    """It is being deleted, and lets its dependents live on."""

    def owns(self, other: "Node") -> bool:
        """Whether a reference of `other` to this node's uid can mean it.

        An owner is in the same namespace, or in none."""
        return not self.resource.namespaced or self.namespace == other.namespace


def relevant(line: bytes) -> bool:
    """Whether an event's line may concern the graph."""
    return b'"ownerReferences"' in line or b'"deletionTimestamp"' in line


def reduce(obj: Object) -> Object:
    """What an informer keeps of an object for the graph."""
    metadata = obj["metadata"]
    return {"metadata": {key: metadata[key] for key in _KEPT if key in metadata}}


def node_of(resource: Resource, obj: Object) -> Node:
    metadata = obj["metadata"]
    deleting = bool(metadata.get("deletionTimestamp"))
    finalizers = metadata.get("finalizers") or ()
    return Node(
        resource,
        metadata.get("namespace", ""),
        metadata["name"],
        metadata["uid"],
        tuple(
            Owner(r["apiVersion"], r["kind"], r["name"], r["uid"], bool(r.get("blockOwnerDeletion")))
            for r in metadata.get("ownerReferences") or ()
        ),
        deleting and meta.FOREGROUND in finalizers,
        deleting and meta.ORPHAN in finalizers,
    )


class Graph:
    """Fed with events in any order across kinds. Uids of deleted objects are remembered for a while: they
    never come back."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._dependents: dict[str, set[str]] = {}
        self._gone: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, uid: str) -> Node | None:
        return self._nodes.get(uid)

    def is_gone(self, uid: str) -> bool:
        """Whether the deletion of that object was seen."""
        return uid in self._gone

    def owned(self) -> list[str]:
        """The uids of all objects that have owners."""
        return [uid for uid, node in self._nodes.items() if node.owners]

    def dependents(self, node: Node) -> Iterator[Node]:
        """The objects that `node` owns."""
        for uid in self._dependents.get(node.uid, ()):
            other = self._nodes[uid]
            if node.owns(other):
                yield other

    def observe(self, kind: str, resource: Resource, obj: Object) -> set[str]:
        """Take in an event; the uids of the objects that are to be looked at now."""
        node = node_of(resource, obj)
        old = self._nodes.get(node.uid)
        if kind == DELETED:
            self._remember_gone(node.uid)
            dependents = set(self._dependents.get(node.uid, ()))
            self._forget(old)
            return dependents | self._waiting((old or node).owners)
        self._forget(old)
        if node.owners or node.foreground or node.orphans:
            self._nodes[node.uid] = node
            for owner in node.owners:
                self._dependents.setdefault(owner.uid, set()).add(node.uid)
        if node == old:
            return set()
        concerned = self._waiting(old.owners if old is not None else ())
        if node.foreground or node.orphans or (node.owners and (old is None or old.owners != node.owners)):
            concerned.add(node.uid)
        return concerned

    def _waiting(self, owners: Iterable[Owner]) -> set[str]:
        """Those of the owners that wait for their dependents."""
        return {o.uid for o in owners if (node := self._nodes.get(o.uid)) is not None and node.foreground}

    def _forget(self, node: Node | None) -> None:
        if node is None:
            return
        del self._nodes[node.uid]
        for owner in node.owners:
            dependents = self._dependents.get(owner.uid)
            if dependents is not None:
                dependents.discard(node.uid)
                if not dependents:
                    del self._dependents[owner.uid]

    def _remember_gone(self, uid: str) -> None:
        self._gone[uid] = None
        if len(self._gone) > _GONE_KEPT:
            del self._gone[next(iter(self._gone))]
