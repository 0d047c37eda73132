"""Writes the status of pods to the API: at once, one write at a time for each pod, the newest state last."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from strongroom.aio.backoff import Backoff
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError

_log = logging.getLogger(__name__)
_GONE = frozenset({404, 409})


@dataclass(slots=True)
class _Entry:
    namespace: str
    name: str
    uid: str
    sent: Object
    wanted: Object
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False


class StatusManager:
    """Status upward. Writes that fail are tried again until they succeed or the pod is gone."""

    def __init__(
        self,
        client: Client,
        tasks: TaskGroup,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._tasks = tasks
        self._sleep = sleep
        self._entries: dict[str, _Entry] = {}

    def set(self, pod: Object, status: Object) -> None:
        """The status of `pod` is now `status`. What the API has already is not written again."""
        metadata = pod["metadata"]
        entry = self._entries.get(metadata["uid"])
        if entry is None:
            present = pod.get("status") or {}
            entry = _Entry(metadata["namespace"], metadata["name"], metadata["uid"], present, present)
            entry.idle.set()
            self._entries[entry.uid] = entry
        if entry.idle.is_set() and _overruled(pod, entry.sent):
            entry.sent = entry.wanted = pod["status"]
        if entry.gone or not differs(entry.wanted, status):
            return
        entry.wanted = status
        if entry.idle.is_set():
            entry.idle.clear()
            self._tasks.spawn(f"status-{entry.namespace}-{entry.name}", self._send(entry))

    async def flush(self, uid: str) -> None:
        """Wait until the newest status of the pod is written, or the pod is gone from the API."""
        if (entry := self._entries.get(uid)) is not None:
            await entry.idle.wait()

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        if (entry := self._entries.pop(uid, None)) is not None:
            entry.gone = True

    async def _send(self, entry: _Entry) -> None:
        backoff = Backoff(0.05, 10.0)
        try:
            while not entry.gone and entry.sent is not entry.wanted:
                if await self._attempt(entry, entry.wanted):
                    backoff.reset()
                else:
                    await self._sleep(backoff.next())
        finally:
            entry.idle.set()

    async def _attempt(self, entry: _Entry, status: Object) -> bool:
        """One write; whether there is nothing to be tried again."""
        body = {"metadata": {"uid": entry.uid}, "status": patch(entry.sent, status)}
        try:
            await self._client.patch(resources.PODS, entry.name, body, entry.namespace, subresource="status")
        except StatusError as error:
            if error.code in _GONE:
                entry.gone = True
                return True
            _log.warning("status of pod %s/%s: %s", entry.namespace, entry.name, error.message)
            return False
        except ConnectionFailed as error:
            _log.warning("status of pod %s/%s: %s", entry.namespace, entry.name, error)
            return False
        entry.sent = status
        return True


def _overruled(pod: Object, sent: Object) -> bool:
    """Whether somebody else has said of the pod's readiness what is not so: the controller of nodes does when
    it has not heard of this one. What the API said before our own last word does not count."""
    there, ours = (_ready(status) for status in (pod.get("status") or {}, sent))
    if not there or not ours or there.get("status") == ours.get("status"):
        return False
    return bool((there.get("lastTransitionTime") or "") > (ours.get("lastTransitionTime") or ""))


def _ready(status: Object) -> Object:
    found = (c for c in status.get("conditions") or () if c.get("type") == "Ready")
    return next(found, {})


def differs(old: Object, new: Object) -> bool:
    """Whether a write of `new` would change anything."""
    vanished = (set(old) - set(new)) & _REMOVABLE
    return bool(vanished) or any(old.get(key) != value for key, value in new.items())


_REMOVABLE = frozenset({"podIP", "podIPs", "reason", "message"})
_ADDRESSES = ("podIPs", "hostIPs")


def patch(old: Object, new: Object) -> Object:
    """The strategic merge patch from one status to the next: all of it, and null for what is no more."""
    body: dict[str, Any] = dict(new)
    for key in _REMOVABLE - set(new):
        if key in old:
            body[key] = None
    for key in _ADDRESSES:
        # Lists that are merged by address: without this an old address would stay.
        if key in new and old.get(key) not in (None, new[key]):
            body[key] = [{"$patch": "replace"}, *new[key]]
    before = {condition["type"]: condition for condition in old.get("conditions") or ()}
    body["conditions"] = [
        {**_vanished(before.get(condition["type"], {}), condition), **condition}
        for condition in new.get("conditions") or ()
    ]
    return body


def _vanished(old: Object, new: Object) -> Object:
    """Null for what a condition said and does not say any more: conditions are merged field by field."""
    return {key: None for key in ("reason", "message") if key in old and key not in new}
