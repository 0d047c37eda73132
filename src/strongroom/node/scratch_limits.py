"""Pods whose scratch space on disk holds more than they said it would are ended.

Limits: `emptyDir.sizeLimit`; `resources.limits.ephemeral-storage` of one container, and of all together.
Rules and texts: `localStorageEviction` of the kubelet's eviction manager, the blanks at their ends too.
Memory has a limit of its own that no write passes: it needs no look. Nothing tells when a directory grows:
pods that have a limit, and no others, are measured now and then.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from strongroom.api.core.v1.pod import totals
from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object
from strongroom.machinery.quantity import Quantity
from strongroom.node.cri.errors import CRIError
from strongroom.node.disk_usage import DiskUsage
from strongroom.node.volumes import empty_dir, trees
from strongroom.node.volumes.manager import VolumeManager

EVERY: Final = 10.0
"""Seconds between two looks."""
_CRITICAL: Final = 2_000_000_000
"""The priority from which on a pod is never evicted."""
_RESOURCE: Final = "ephemeral-storage"
_log = logging.getLogger(__name__)


class Pods(Protocol):
    """Who runs pods."""

    def active(self) -> list[Object]: ...

    def evict(self, uid: str, message: str) -> None: ...


class ScratchLimits:
    """Measures one pod after the other, in a thread: what containers wrote may be much."""

    def __init__(
        self,
        pods: Pods,
        volumes: VolumeManager,
        usage: DiskUsage,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pods = pods
        self._volumes = volumes
        self._usage = usage
        self._sleep = sleep

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            await self._sleep(EVERY)
            for pod in self._pods.active():
                if int((pod.get("spec") or {}).get("priority") or 0) >= _CRITICAL:
                    continue
                if text := await self._volume_excess(pod) or await self._storage_excess(pod):
                    self._pods.evict(pod["metadata"]["uid"], text)

    async def _volume_excess(self, pod: Object) -> str:
        """Which volume has outgrown its limit; "": none has."""
        for volume in (pod.get("spec") or {}).get("volumes") or ():
            source = volume.get("emptyDir") or {}
            if source.get("medium") == empty_dir.MEMORY or not empty_dir.size_limit(source):
                continue
            limit = quantity.of(source["sizeLimit"])
            used = functools.partial(trees.used, self._volumes.path(pod, volume), limit.value())
            if await asyncio.to_thread(used) > limit.value():
                return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{limit}". '
        return ""

    async def _storage_excess(self, pod: Object) -> str:
        """Whether all containers together use more than all may, or which one more than it may."""
        limit = _limit_of_all(pod.get("spec") or {})
        if limit is None:
            return ""
        try:
            used = await self._usage.of(pod, limit.value())
        except CRIError as error:
            _log.debug("pod %s: %s", pod["metadata"]["uid"], error)
            return ""
        if used.total > limit.value():
            return f"Pod ephemeral local storage usage exceeds the total limit of containers {limit}. "
        for container in pod["spec"]["containers"]:
            own = _limit_of(container)
            if own is not None and 0 < own.value() < used.containers.get(container["name"], 0):
                return f'Container {container["name"]} exceeded its local ephemeral storage limit "{own}". '
        return ""


def _limit_of(container: Object) -> Quantity | None:
    limit = ((container.get("resources") or {}).get("limits") or {}).get(_RESOURCE)
    return None if limit is None else quantity.of(limit)


def _limit_of_all(spec: Object) -> Quantity | None:
    """What the containers may use together, in the notation of the first of them that has a limit."""
    each = (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
    limits = [limit for container in each if (limit := _limit_of(container)) is not None]
    if not limits:
        return None
    first = next((limit for limit in limits if limit.nanos), limits[0])
    return Quantity(totals.limits(spec).get(_RESOURCE, 0), first.notation)
