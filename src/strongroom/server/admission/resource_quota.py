"""ResourceQuota: nothing is created beyond what a namespace may hold.

Rules and texts: Kubernetes' "Resource Quotas" and `apiserver/pkg/admission/plugin/resourcequota`. What a
creation takes is added to the quota's `status.used` before the object is stored, conditional on the version
that was checked: of two that want the last place one finds it taken, on whatever server. What is added for a
creation that fails then, and what deletions free, the controller takes off again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.api.core.v1 import quota as quotas
from strongroom.api.core.v1.pod.totals import Amounts
from strongroom.machinery import quantity, status
from strongroom.machinery.gvk import Object, Resource
from strongroom.registry.generic import Registry
from strongroom.server.admission.durations import VALIDATE, Who
from strongroom.server.admission.plugin import CREATE, UPDATE, Attributes

_RETRIES, _RETRY_SECONDS = 20, 0.05
_FREE: Final = frozenset((resources.EVENTS.plural, "bindings"))
"""Kinds that no quota counts."""

Sleep = Callable[[float], Awaitable[object]]


class _Wanted(NamedTuple):
    """What a write takes of one quota."""

    name: str
    amounts: Amounts


class ResourceQuota:
    """A namespace without quotas costs a look-up. The usage of a new quota is waited for a second: the
    controller is counting."""

    who = Who("ResourceQuota", VALIDATE)

    def __init__(self, registry: Registry, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._registry = registry
        self._rows = registry.rows
        self._clock = clock
        self._sleep = sleep
        self._seen = -1
        self._names: dict[str, list[str]] = {}
        """Namespace -> its quotas."""

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        if resource == resources.PODS and subresource == "resize":
            return operation == UPDATE
        if subresource or not resource.namespaced or resource.plural in _FREE:
            return False
        return operation == CREATE or (operation == UPDATE and resource == resources.SERVICES)

    def passes(self, operation: str, namespace: str) -> bool:
        """As admission's `Passing`: the namespace has no quota."""
        if self._rows.revision != self._seen:
            self._catch_up()
        return namespace not in self._names

    async def admit(self, attributes: Attributes) -> None:
        """Raises StatusError 403."""
        if self._rows.revision != self._seen:
            self._catch_up()
        names = self._names.get(attributes.namespace)
        if names is not None:
            await self._charge(attributes, names)

    def _catch_up(self) -> None:
        changes = self._registry.changes(self._seen) if self._seen >= 0 else None
        if changes is None:
            self._names = {}
            for entry in self._rows.entries():
                self._names.setdefault(entry.namespace, []).append(entry.name)
        for change in changes or ():
            namespace, name = change.entry.namespace, change.entry.name
            if change.type == "ADDED":
                self._names.setdefault(namespace, []).append(name)
            elif change.type == "DELETED":
                self._names[namespace].remove(name)
                if not self._names[namespace]:
                    del self._names[namespace]
        self._seen = self._rows.revision

    async def _charge(self, attributes: Attributes, names: Sequence[str]) -> None:
        takes = self._takes(attributes)
        wanted = [w for name in names if (w := await self._check(attributes, name, takes)) is not None]
        if attributes.dry_run:
            return
        charged: list[_Wanted] = []
        try:
            for each in wanted:
                await self._add(attributes, each, 1)
                charged.append(each)
        except BaseException:
            for each in charged:
                await self._add(attributes, each, -1)
            raise

    def _takes(self, attributes: Attributes) -> Amounts:
        """What the write takes of whatever quota; an update, what it takes more than before."""
        assert attributes.obj is not None, "a creation has an object"
        now = self._clock.now()
        takes = quotas.usage(attributes.resource, attributes.obj, now)
        if attributes.old is not None:
            before = quotas.usage(attributes.resource, attributes.old, now)
            takes = {name: amount - before.get(name, 0) for name, amount in takes.items()}
        return {name: amount for name, amount in takes.items() if amount > 0}

    async def _check(self, attributes: Attributes, name: str, takes: Amounts) -> _Wanted | None:
        """None: the quota is not concerned. Raises StatusError 403."""
        resource, obj = attributes.resource, attributes.obj
        assert obj is not None, "a creation has an object"
        for tries in range(_RETRIES + 1):
            entry = self._registry.find(attributes.namespace, name)
            if entry is None:
                return None
            quota = entry.decode()
            concerned = quotas.names(resource, quota["spec"].get("hard") or ())
            if not concerned or not quotas.chooses(quota, resource, obj):
                return None
            if resource == resources.PODS and (lacking := quotas.lacking(obj, concerned)):
                raise _refused(attributes, f"failed quota: {name}: {lacking}")
            used = (quota.get("status") or {}).get("used") or {}
            if all(each in used for each in concerned):
                break
            if tries == _RETRIES:
                text = f"status unknown for quota: {name}, resources: {','.join(concerned)}"
                raise _refused(attributes, text)
            await self._sleep(_RETRY_SECONDS)
        amounts = {each: takes[each] for each in concerned if takes.get(each)}
        if not amounts:
            return None
        _check_room(attributes, quota, amounts)
        return _Wanted(name, amounts)

    async def _add(self, attributes: Attributes, wanted: _Wanted, sign: int) -> None:
        def revise(quota: Object) -> Object:
            if sign > 0:
                _check_room(attributes, quota, wanted.amounts)
            reported = quota.setdefault("status", {})
            used = dict(reported.get("used") or {})
            for name, amount in wanted.amounts.items():
                used[name] = quotas.shown(name, max(_nanos(used, name) + sign * amount, 0))
            reported["used"] = used
            return quota

        rules = self._registry.subresources["status"]
        try:
            await self._registry.update(attributes.namespace, wanted.name, revise, rules=rules)
        except status.StatusError as error:
            if error.code != 404:  # the quota is gone
                raise


def _check_room(attributes: Attributes, quota: Object, amounts: Amounts) -> None:
    """Raises StatusError 403 for what does not fit."""
    hard, used = quota["spec"].get("hard") or {}, (quota.get("status") or {}).get("used") or {}
    over = sorted(
        name for name, amount in amounts.items()
        if name in hard and _nanos(used, name) + amount > _nanos(hard, name)
    )  # fmt: skip
    if not over:
        return
    requested = ",".join(f"{name}={quotas.shown(name, amounts[name])}" for name in over)
    taken = ",".join(f"{name}={quotas.shown(name, _nanos(used, name))}" for name in over)
    limited = ",".join(f"{name}={hard[name]}" for name in over)
    text = f"requested: {requested}, used: {taken}, limited: {limited}"
    raise _refused(attributes, f"exceeded quota: {quota['metadata']['name']}, {text}")


def _nanos(amounts: Object, name: str) -> int:
    return quantity.of(amounts[name]).nanos if name in amounts else 0


def _refused(attributes: Attributes, text: str) -> status.StatusError:
    return status.forbidden(attributes.resource, attributes.shown_name, text)
