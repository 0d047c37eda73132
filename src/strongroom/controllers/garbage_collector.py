"""Deletes what nobody owns any more, and lets owners go once their dependents are dealt with.

The rules are in `garbage_collection`. What is not in the graph (most objects: they have no owner) is asked of
the API when a dependent names it, so an object without owners costs nothing here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from strongroom.aio.clock import Clock
from strongroom.client import event_recorder
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED, MODIFIED
from strongroom.controllers import actions
from strongroom.controllers.controller import Controller
from strongroom.controllers.garbage_collection import decisions
from strongroom.controllers.garbage_collection.decisions import State
from strongroom.controllers.garbage_collection.graph import Graph, Node, Owner
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource

NAME = "garbage-collector-controller"
"""As a source of events."""
T = TypeVar("T")
_WORKERS = 8
_SETTLE = 0.1
"""Seconds before an owner's dependents count as known: the events of other kinds come by other ways."""
_KNOWN = 10_000
"""Owners that are remembered to be alive, and owners that were looked for in other namespaces."""


class GarbageCollector:
    """Keys are uids. `informers`: one for each kind that can own or be owned, reduced or whole.

    `refilled` must be called when an informer may have missed deletions."""

    def __init__(
        self,
        client: Client,
        informers: Sequence[Informer],
        namespaces: Informer,
        recorder: EventRecorder,
        clock: Clock,
    ) -> None:
        self._client = client
        self._namespaces = namespaces
        self._recorder = recorder
        self._graph = Graph()
        self._alive: dict[str, str] = {}
        """Uid of an owner that was found -> its namespace."""
        self._searched: dict[str, None] = {}
        self._kinds: Mapping[tuple[str, str], Resource] = {
            (i.resource.api_version, i.resource.kind): i.resource for i in informers
        }
        self._loop = Controller("garbage-collector", self._reconcile, informers, clock, workers=_WORKERS)
        for informer in informers:
            informer.subscribe(self._observer(informer.resource))

    async def run(self) -> None:
        await self._loop.run()

    def refilled(self) -> None:
        """Look at every dependent again: its owners may be gone unseen."""
        self._alive.clear()
        for uid in self._graph.owned():
            self._loop.queue.add(uid)

    def _observer(self, resource: Resource) -> Callable[[str, Object], None]:
        def observe(kind: str, obj: Object) -> None:
            own = obj["metadata"]["uid"]
            if kind == DELETED:
                self._alive.pop(own, None)
            for uid in self._graph.observe(kind, resource, obj):
                node = self._graph.get(uid) if uid == own else None
                marked = node is not None and (node.foreground or node.orphans)
                self._loop.queue.add_after(uid, _SETTLE if marked else 0)

        return observe

    async def _reconcile(self, uid: str) -> None:
        node = self._graph.get(uid)
        if node is None:
            return
        if not (node.foreground or node.orphans) and self._owners_known_alive(node):
            return
        obj = await self._get(node.resource, node.namespace, node.name)
        if obj is None or obj["metadata"]["uid"] != uid:
            return  # its DELETED is on the way
        for concerned in self._graph.observe(MODIFIED, node.resource, obj):
            if concerned != uid:
                self._loop.queue.add(concerned)
        node = self._graph.get(uid)
        if node is not None:
            await self._act(node, obj)

    async def _act(self, node: Node, obj: Object) -> None:
        dependents = list(self._graph.dependents(node))
        if node.foreground:
            todo, suspects = decisions.for_foreground(node, obj, dependents)
            for uid in suspects:
                self._loop.queue.add(uid)
            await actions.perform(self._client, todo)
        elif node.orphans:
            await self._release(node, obj, dependents)
        elif not obj["metadata"].get("deletionTimestamp"):
            states = {owner.uid: await self._state(node, owner) for owner in node.owners}
            todo = decisions.for_dependent(node, obj, states, has_dependents=bool(dependents))
            if any(isinstance(a, actions.Delete) and a.propagation_policy == "Foreground" for a in todo):
                todo = [*decisions.for_cycle(node, dependents), *todo]
            await actions.perform(self._client, todo)

    async def _release(self, node: Node, obj: Object, dependents: Sequence[Node]) -> None:
        *released, last = decisions.for_orphans(node, obj, dependents)
        for action in released:
            try:
                await actions.perform(self._client, [action])
            except status.StatusError as error:
                if error.code not in (404, 409):  # gone, or made anew under its name
                    raise
        await actions.perform(self._client, [last])

    # ---- how owners are ----

    def _owners_known_alive(self, node: Node) -> bool:
        return all(self._known(node, owner) is State.ALIVE for owner in node.owners)

    def _known(self, node: Node, owner: Owner) -> State | None:
        """What is known without asking."""
        if self._graph.is_gone(owner.uid):
            return State.GONE
        found = self._graph.get(owner.uid)
        if found is not None and found.owns(node):
            return State.WAITING if found.foreground else State.ALIVE
        if (namespace := self._alive.get(owner.uid)) is not None and namespace in ("", node.namespace):
            return State.ALIVE
        return None

    async def _state(self, node: Node, owner: Owner) -> State:
        known = self._known(node, owner)
        # Only a deletion that was seen is sure; a dependent is not deleted on less than a look.
        if known is not None:
            return known
        resource = self._kinds.get((owner.api_version, owner.kind))
        if resource is None:
            return State.ALIVE  # a kind that is not known here can't be said to be gone
        if resource.namespaced and not node.namespace:
            self._complain(node, owner)
            return State.ALIVE
        namespace = node.namespace if resource.namespaced else ""
        found = await self._get(resource, namespace, owner.name)
        if found is None or found["metadata"]["uid"] != owner.uid or self._graph.is_gone(owner.uid):
            if resource.namespaced:
                await self._search(node, owner, resource)
            return State.GONE
        # One that waits for its dependents asks for them when its own event has come and they are all known.
        _remember(self._alive, owner.uid, namespace)
        return State.ALIVE

    async def _search(self, node: Node, owner: Owner, resource: Resource) -> None:
        """Say so when the missing owner is an object of another namespace. Looked for once."""
        if owner.uid in self._searched or self._graph.is_gone(owner.uid):
            return
        _remember(self._searched, owner.uid, None)
        for namespace in [each["metadata"]["name"] for each in self._namespaces.values()]:
            if namespace == node.namespace:
                continue
            found = await self._get(resource, namespace, owner.name)
            if found is not None and found["metadata"]["uid"] == owner.uid:
                self._complain(node, owner)
                return

    def _complain(self, node: Node, owner: Owner) -> None:
        reference = (
            f"[{owner.api_version}/{owner.kind}, namespace: {node.namespace}, "
            f"name: {owner.name}, uid: {owner.uid}]"
        )
        about = {
            "kind": node.resource.kind,
            "apiVersion": node.resource.api_version,
            "metadata": {"name": node.name, "namespace": node.namespace, "uid": node.uid},
        }
        message = f'ownerRef {reference} does not exist in namespace "{node.namespace}"'
        self._recorder.event(about, event_recorder.WARNING, "OwnerRefInvalidNamespace", message)

    async def _get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        try:
            return await self._client.get(resource, name, namespace, metadata_only=True)
        except status.StatusError as error:
            if error.code == 404:
                return None
            raise


def _remember(known: dict[str, T], uid: str, value: T) -> None:
    known[uid] = value
    if len(known) > _KNOWN:
        del known[next(iter(known))]
