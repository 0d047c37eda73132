"""The Secrets and ConfigMaps that pods of this node use, each watched for itself as long as one does; tokens.

A node may read nothing else, and reads nothing it does not need: one watch for each object, by its name.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.api.core.v1.pod import references
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.machinery.gvk import Object, Resource
from strongroom.node.lookup import NotSyncedError
from strongroom.node.service_account_tokens import ServiceAccountTokens

Reference = tuple[Resource, str, str]
"""Resource, namespace and name of an object that a pod names."""


def references_of(pod: Object) -> list[Reference]:
    """The objects that a pod names."""
    namespace = str(pod["metadata"]["namespace"])
    return [
        *((resources.SECRETS, namespace, name) for name in references.secret_names(pod)),
        *((resources.CONFIG_MAPS, namespace, name) for name in references.config_map_names(pod)),
    ]


@dataclass(slots=True)
class _Watched:
    informer: Informer
    tasks: TaskGroup
    users: set[str] = field(default_factory=set)


class ObjectCache:
    """Fulfils `lookup.Sources`. `on_change` is called with a pod's uid and the object when one that the pod
    uses changed, appeared, vanished, or was read for the first time; without an object when it was a token.
    """

    def __init__(self, client: Client, on_change: Callable[[str, Reference | None], None]) -> None:
        self._client = client
        self._on_change = on_change
        self._watched: dict[Reference, _Watched] = {}
        self._used: dict[str, frozenset[Reference]] = {}
        self._tokens = ServiceAccountTokens(client, lambda uid: on_change(uid, None))
        self._closing = TaskGroup("object-cache-closing")

    def use(self, uid: str, references: Iterable[Reference]) -> None:
        """The pod `uid` uses these objects from now on, and none that it used before beside them."""
        wanted = frozenset(references)
        before = self._used.get(uid, frozenset())
        self._used[uid] = wanted
        for reference in wanted - before:
            self._watch(reference).users.add(uid)
        for reference in before - wanted:
            self._drop(reference, uid)

    def release(self, uid: str) -> None:
        """The pod is gone: what only it used is no longer watched, and forgotten."""
        self.use(uid, ())
        del self._used[uid]
        self._tokens.release(uid)

    async def aclose(self) -> None:
        """Stop all watches."""
        for watched in list(self._watched.values()):
            await watched.tasks.aclose()
        self._watched.clear()
        await self._tokens.aclose()
        await self._closing.aclose()

    def secret(self, namespace: str, name: str) -> Object | None:
        return self._get((resources.SECRETS, namespace, name))

    def config_map(self, namespace: str, name: str) -> Object | None:
        return self._get((resources.CONFIG_MAPS, namespace, name))

    def service_account_token(self, pod: Object, audience: str, seconds: int) -> str:
        return self._tokens.get(pod, audience, seconds)

    def _get(self, reference: Reference) -> Object | None:
        watched = self._watched.get(reference)
        if watched is None or not watched.informer.has_synced.is_set():
            raise NotSyncedError(reference[0].kind.lower())
        return watched.informer.get(reference[1], reference[2])

    def _watch(self, reference: Reference) -> _Watched:
        if (watched := self._watched.get(reference)) is not None:
            return watched
        resource, namespace, name = reference
        informer = Informer(self._client, resource, namespace, field_selector=f"metadata.name={name}")
        # What goes wrong with a Secret is told by its type alone: a message might carry a value.
        tasks = TaskGroup(f"watch-{resource.plural}-{namespace}-{name}", describe_errors=False)
        watched = self._watched[reference] = _Watched(informer, tasks)
        informer.subscribe(lambda _, obj: self._changed(reference, obj))
        tasks.spawn("run", informer.run())
        tasks.spawn("sync", self._tell_when_synced(reference, watched))
        return watched

    async def _tell_when_synced(self, reference: Reference, watched: _Watched) -> None:
        await watched.informer.has_synced.wait()
        obj = watched.informer.get(reference[1], reference[2])
        self._changed(reference, obj)

    def _changed(self, reference: Reference, obj: Object | None) -> None:
        watched = self._watched.get(reference)
        if watched is None:
            return
        if obj is not None and obj.get("immutable") and watched.informer.has_synced.is_set():
            self._stop(watched)  # it cannot change any more
        for uid in tuple(watched.users):
            self._on_change(uid, reference)

    def _drop(self, reference: Reference, uid: str) -> None:
        watched = self._watched[reference]
        watched.users.discard(uid)
        if not watched.users:
            del self._watched[reference]
            self._stop(watched)

    def _stop(self, watched: _Watched) -> None:
        """End a watch, from inside one of its own callbacks perhaps."""
        self._closing.spawn("close", watched.tasks.aclose())
