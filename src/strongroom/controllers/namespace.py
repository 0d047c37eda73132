"""Empties a terminating namespace and lets it go.

Pods first, and all of them gone, so that nothing that a running Pod still uses is taken from it (KEP-5080);
then every other kind; then the finalizer `kubernetes` is taken off, which ends the namespace.
"""

import copy
from collections.abc import Sequence

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import namespace_conditions
from strongroom.controllers.controller import Controller
from strongroom.controllers.namespace_conditions import Findings
from strongroom.machinery import duration, status
from strongroom.machinery.gvk import Object, Resource

FINALIZER = "kubernetes"


def must_empty(namespace: Object | None) -> bool:
    """Whether this namespace is ours to work on."""
    if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
        return False
    return FINALIZER in (namespace.get("spec", {}).get("finalizers") or ())


def is_held(namespace: Object) -> bool:
    """Whether it stays though it is empty: others have finalizers on it."""
    own = namespace["spec"].get("finalizers") or ()
    return bool(namespace["metadata"].get("finalizers")) or any(each != FINALIZER for each in own)


def in_order(served: Sequence[Resource]) -> list[list[Resource]]:
    """The namespaced kinds in steps: each step waits until the one before left nothing."""
    namespaced = [resource for resource in served if resource.namespaced]
    pods = [resource for resource in namespaced if resource == resources.PODS]
    return [pods, [resource for resource in namespaced if resource != resources.PODS]]


class NamespaceController:
    """Keys are names of namespaces. `served`: every kind that a namespace can hold."""

    def __init__(
        self,
        client: Client,
        namespaces: Informer,
        pods: Informer,
        served: Sequence[Resource],
        clock: Clock,
    ) -> None:
        self._client = client
        self._namespaces = namespaces
        self._steps = in_order(served)
        self._clock = clock
        self._loop = Controller("namespace", self._reconcile, (namespaces, pods), clock, workers=4)
        namespaces.subscribe(self._namespace_changed)
        pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _namespace_changed(self, kind: str, namespace: Object) -> None:
        if kind != DELETED and must_empty(namespace):
            self._loop.queue.add(namespace["metadata"]["name"])

    def _pod_changed(self, kind: str, pod: Object) -> None:
        name = pod["metadata"]["namespace"]
        if kind == DELETED and must_empty(self._namespaces.get(None, name)):
            self._loop.queue.add(name)

    async def _reconcile(self, name: str) -> None:
        namespace = self._namespaces.get(None, name)
        if namespace is None or not must_empty(namespace):
            return
        try:
            findings = await self._empty(name)
            if findings.empty:
                if is_held(namespace):
                    namespace = await self._report(namespace, findings)
                await self._finalize(namespace)
            else:
                await self._report(namespace, findings)
                self._loop.queue.add_after(name, findings.patience())
        except status.StatusError as error:
            if error.code != 404:
                raise

    async def _empty(self, name: str) -> Findings:
        """Delete all content; what is left of the first step that left something."""
        findings = Findings()
        for step in self._steps:
            for resource in step:
                try:
                    remaining = await self._delete_all(resource, name)
                except status.StatusError as error:
                    findings.failures.append(error.message)
                    continue
                if remaining:
                    findings.remaining[resource] = remaining
            if not findings.empty:
                break
        return findings

    async def _delete_all(self, resource: Resource, namespace: str) -> list[Object]:
        items = (await self._client.list(resource, namespace)).items
        if all(item["metadata"].get("deletionTimestamp") for item in items):
            return items
        try:
            await self._client.delete_collection(resource, namespace, propagation_policy="Background")
        except status.StatusError as error:
            if error.code != 405:
                raise
            await self._delete_each(resource, namespace, items)
        return (await self._client.list(resource, namespace)).items

    async def _delete_each(self, resource: Resource, namespace: str, items: Sequence[Object]) -> None:
        for item in items:
            try:
                await self._client.delete(resource, item["metadata"]["name"], namespace)
            except status.StatusError as error:
                if error.code != 404:
                    raise

    async def _finalize(self, namespace: Object) -> None:
        done = copy.deepcopy(namespace)
        done["spec"]["finalizers"] = [f for f in done["spec"]["finalizers"] if f != FINALIZER]
        await self._client.update(resources.NAMESPACES, done, subresource="finalize")

    async def _report(self, namespace: Object, findings: Findings) -> Object:
        """Say in the namespace's conditions what it still waits for; gives it as it is then."""
        current = await self._client.get(resources.NAMESPACES, namespace["metadata"]["name"])
        now = duration.timestamp(self._clock.now())
        found = namespace_conditions.conditions(findings)
        conditions = namespace_conditions.merged(current["status"].get("conditions") or (), found, now)
        if conditions is not None:
            current["status"]["conditions"] = conditions
            return await self._client.update(resources.NAMESPACES, current, subresource="status")
        return current
