"""Pods whose scratch space on disk holds more than they said it would are ended: `emptyDir.sizeLimit`.

Rules: the kubelet's eviction manager. Memory has a limit of its own that no write passes: it needs no look.
Nothing tells when a directory grows: those that have a limit, and no others, are measured now and then.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object
from strongroom.node.volumes import empty_dir, trees
from strongroom.node.volumes.manager import VolumeManager

EVERY: Final = 10.0
"""Seconds between two looks."""
_CRITICAL: Final = 2_000_000_000
"""The priority from which on a pod is never evicted."""


class Pods(Protocol):
    """Who runs pods."""

    def active(self) -> list[Object]: ...

    def evict(self, uid: str, message: str) -> None: ...


class ScratchLimits:
    """Measures one volume after the other, in a thread: what containers wrote may be much."""

    def __init__(
        self, pods: Pods, volumes: VolumeManager, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._pods = pods
        self._volumes = volumes
        self._sleep = sleep

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            await self._sleep(EVERY)
            for pod in self._pods.active():
                for name, path, limit in self._limited(pod):
                    over = functools.partial(trees.holds_more_than, path, limit.value())
                    if await asyncio.to_thread(over):
                        # The blank at the end is the kubelet's.
                        text = f'Usage of EmptyDir volume "{name}" exceeds the limit "{limit}". '
                        self._pods.evict(pod["metadata"]["uid"], text)
                        break

    def _limited(self, pod: Object) -> Iterator[tuple[str, Path, quantity.Quantity]]:
        """Name, place and limit of the pod's volumes that have a limit to be looked after."""
        spec = pod.get("spec") or {}
        if int(spec.get("priority") or 0) >= _CRITICAL:
            return
        for volume in spec.get("volumes") or ():
            source = volume.get("emptyDir") or {}
            if source.get("medium") != empty_dir.MEMORY and empty_dir.size_limit(source):
                yield volume["name"], self._volumes.path(pod, volume), quantity.of(source["sizeLimit"])
