"""The Secrets that workloads with the annotation use, each watched for itself; only digests of values stay.

Nothing else may be read here, and nothing else is: one watch for each Secret, by its name. Whoever may make a
Deployment chooses these names, so there are limits, of a namespace's watches and of all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from strongroom.aio.clock import Clock
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.controllers.restart.seal import SealingKey
from strongroom.controllers.restart.view import Secret
from strongroom.machinery.gvk import Object

OF_A_NAMESPACE: Final = 200
IN_ALL: Final = 2000
"""Watches."""
_DIGESTS = "digests"


@dataclass(slots=True)
class _Watched:
    informer: Informer
    tasks: TaskGroup
    changed_at: float


class SecretWatches:
    """`on_change` is called with the namespace in which a watched Secret changed, or was read for the first
    time."""

    def __init__(
        self, client: Client, key: SealingKey, on_change: Callable[[str], None], clock: Clock
    ) -> None:
        self._client = client
        self._key = key
        self._on_change = on_change
        self._clock = clock
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._of: dict[str, frozenset[str]] = {}
        self._closing = TaskGroup("restart-closing", describe_errors=False)

    def use(self, namespace: str, names: frozenset[str]) -> frozenset[str]:
        """Watch these in the namespace from now on, and no others. Gives those that are too many; what is
        watched stays so."""
        before = self._of.get(namespace, frozenset())
        kept = before & names
        room = min(OF_A_NAMESPACE - len(kept), IN_ALL - len(self._watched) + len(before - kept))
        wanted, names = names, kept | frozenset(sorted(names - before)[: max(room, 0)])
        for name in before - names:
            self._closing.spawn("close", self._watched.pop((namespace, name)).tasks.aclose())
        for name in names - before:
            self._watch(namespace, name)
        if names:
            self._of[namespace] = names
        else:
            self._of.pop(namespace, None)
        return wanted - names

    def known(self, namespace: str) -> Mapping[str, Secret]:
        """By name, those that were read; one that does not exist has no uid."""
        now = self._clock.monotonic()
        found: dict[str, Secret] = {}
        for name in self._of.get(namespace, ()):
            watched = self._watched[namespace, name]
            if not watched.informer.has_synced.is_set():
                continue
            since, obj = now - watched.changed_at, watched.informer.get(namespace, name)
            if obj is None:
                found[name] = Secret(since=since)
                continue
            metadata = obj["metadata"]
            found[name] = Secret(metadata["uid"], metadata["resourceVersion"], obj[_DIGESTS], since)
        return found

    async def aclose(self) -> None:
        """Stop all watches."""
        for watched in list(self._watched.values()):
            await watched.tasks.aclose()
        self._watched.clear()
        self._of.clear()
        await self._closing.aclose()

    def _watch(self, namespace: str, name: str) -> None:
        informer = Informer(
            self._client,
            resources.SECRETS,
            namespace,
            field_selector=f"metadata.name={name}",
            reduce=self._reduce,
            clock=self._clock,
        )
        # What goes wrong with a Secret is told by its type alone: a message might carry a value.
        tasks = TaskGroup(f"restart-{namespace}-{name}", describe_errors=False)
        watched = self._watched[namespace, name] = _Watched(informer, tasks, self._clock.monotonic())

        def changed(kind: str, obj: Object) -> None:
            watched.changed_at = self._clock.monotonic()
            self._on_change(namespace)

        async def tell_when_synced() -> None:
            await informer.has_synced.wait()
            self._on_change(namespace)

        informer.subscribe(changed)
        tasks.spawn("run", informer.run())
        tasks.spawn("sync", tell_when_synced())

    def _reduce(self, secret: Object) -> Object:
        metadata = secret["metadata"]
        kept = {key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion")}
        return {"metadata": kept, _DIGESTS: self._key.digests(secret)}
