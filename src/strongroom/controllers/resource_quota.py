"""Keeps what a ResourceQuota's status says true: admission adds to it, this takes off what has gone.

Objects are counted by asking the API, when a quota comes or changes and when something that it counts was
deleted or ended. What is more than the status says is said at once. What is less may be about to be created:
it is said when the quota has been left alone for longer than a creation takes from admission to the store.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.api.core.v1 import quota as quotas
from strongroom.api.core.v1.pod.totals import Amounts
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions
from strongroom.controllers.actions import Action
from strongroom.controllers.controller import Controller
from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object, Resource

QUIET = 0.5
"""Seconds that a quota must have been left alone before less is said to be used."""
_GATHER = 0.1
"""Seconds for deletions to come together before they are counted."""
_ENDED = ("Succeeded", "Failed")


def total(quota: Object, resource: Resource, objects: Iterable[Object], now: datetime) -> Amounts:
    """What `objects` take of what the quota limits."""
    used = dict.fromkeys(quotas.names(resource, quota["spec"].get("hard") or ()), 0)
    for obj in objects:
        if quotas.chooses(quota, resource, obj):
            for name, amount in quotas.usage(resource, obj, now).items():
                if name in used:
                    used[name] += amount
    return used


def decide(quota: Object, used: Mapping[str, int], *, quiet: bool) -> tuple[list[Action], bool]:
    """What makes the status tell `used`; and whether there is less used than it may say yet."""
    hard = quota["spec"].get("hard") or {}
    reported = quota.get("status") or {}
    said: Mapping[str, str] = reported.get("used") or {}
    shown: dict[str, str] = {}
    held_back = False
    for name in sorted(hard):
        amount = used.get(name, 0)
        before = quantity.of(said[name]).nanos if name in said else 0
        if amount < before and not quiet:
            held_back, amount = True, before
        shown[name] = said[name] if name in said and amount == before else quotas.shown(name, amount)
    if reported.get("hard", {}) == hard and said == shown:
        return [], held_back
    changed = {**quota, "status": {"hard": hard, "used": shown}}
    namespace = quota["metadata"]["namespace"]
    return [actions.Update(resources.RESOURCE_QUOTAS, namespace, changed, "status")], held_back


class ResourceQuotaController:
    """Keys are `namespace/name` of quotas. `followed`: an informer for each kind that can be counted; it need
    not hold the objects, only tell of deletions."""

    def __init__(
        self, client: Client, quota_informer: Informer, followed: Mapping[Resource, Informer], clock: Clock
    ) -> None:
        self._client = client
        self._quotas = quota_informer
        self._kinds = {r.group_resource: r for r in followed if r.namespaced}
        self._clock = clock
        self._touched: dict[str, float] = {}
        """When each quota last changed, other than by this controller."""
        self._in: dict[str, dict[str, Object]] = {}
        """Namespace -> key of each of its quotas -> what it limits."""
        self._loop = Controller("resource-quota", self._reconcile, (quota_informer,), clock)
        quota_informer.subscribe(self._quota_changed)
        for resource, informer in followed.items():
            if resource.namespaced:
                informer.subscribe(self._pod_changed if resource == resources.PODS else self._changed)

    async def run(self) -> None:
        await self._loop.run()

    def refilled(self) -> None:
        """Count again: deletions may have been missed."""
        for keys in self._in.values():
            for key in keys:
                self._loop.queue.add(key)

    def _quota_changed(self, kind: str, quota: Object) -> None:
        metadata = quota["metadata"]
        namespace, key = metadata["namespace"], f"{metadata['namespace']}/{metadata['name']}"
        if kind == DELETED:
            self._touched.pop(key, None)
            self._in.get(namespace, {}).pop(key, None)
            if not self._in.get(namespace):
                self._in.pop(namespace, None)
            return
        known = self._in.setdefault(namespace, {})
        is_new = known.get(key) != quota["spec"]
        known[key] = quota["spec"]
        self._touched[key] = self._clock.monotonic()
        # Admission's own changes are right, unless the creation fails.
        self._loop.queue.add_after(key, 0 if is_new else QUIET)

    def _changed(self, kind: str, obj: Object) -> None:
        if kind == DELETED:
            self._suspect(obj["metadata"]["namespace"])

    def _pod_changed(self, kind: str, pod: Object) -> None:
        if kind == DELETED or (pod.get("status") or {}).get("phase") in _ENDED:
            self._suspect(pod["metadata"]["namespace"])

    def _suspect(self, namespace: str) -> None:
        for key in self._in.get(namespace, ()):
            self._loop.queue.add_after(key, _GATHER)

    async def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        quota = self._quotas.get(namespace, name)
        if quota is None:
            return
        used: Amounts = {}
        for resource in self._kinds.values():
            wanted = quotas.names(resource, quota["spec"].get("hard") or ())
            if wanted:
                used |= await self._count(quota, resource, wanted)
        since = self._clock.monotonic() - self._touched.get(key, 0.0)
        todo, held_back = decide(quota, used, quiet=since >= QUIET)
        await actions.perform(self._client, todo)
        if held_back:
            self._loop.queue.add_after(key, QUIET)

    async def _count(self, quota: Object, resource: Resource, wanted: list[str]) -> Amounts:
        namespace = quota["metadata"]["namespace"]
        if quotas.is_count(resource, wanted) and not quotas.is_scoped(quota):
            number = await self._client.count(resource, namespace)
            return dict.fromkeys(wanted, number * quantity.NANO)
        found = (await self._client.list(resource, namespace)).items
        return total(quota, resource, found, self._clock.now())
