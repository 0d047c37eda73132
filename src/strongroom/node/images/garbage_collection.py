"""Images that no container uses go when the disk fills up, the longest unused first.

Source: the kubelet's image garbage collection (`imageGCHighThresholdPercent` 85, `imageGCLowThresholdPercent`
80, `imageMinimumGCAge` 2 minutes), looked at every five minutes.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from strongroom.aio.clock import Clock
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri.errors import CRIError
from strongroom.node.cri.protocol import CRI

HIGH, LOW = 85, 80
"""Percent of the disk in use: above the first images go, until the second is reached."""
MIN_AGE = 120.0
INTERVAL = 300.0
_log = logging.getLogger(__name__)


class Disk(NamedTuple):
    """Bytes of a file system."""

    total: int
    used: int


@dataclass(slots=True)
class Seen:
    """Times of the monotonic clock."""

    first: float
    used: float | None = None
    """When a container was last seen to use the image."""


def excess(disk: Disk) -> int:
    """Bytes that have to go; 0 below the high mark."""
    if disk.total <= 0 or 100 * disk.used < HIGH * disk.total:
        return 0
    return disk.used - LOW * disk.total // 100


def candidates(
    images: Iterable[pb.Image], in_use: Collection[str], seen: dict[str, Seen], keep: str, now: float
) -> list[pb.Image]:
    """Images that may go, the longest unused first. `seen` is kept up to date. `in_use`: what containers name
    as theirs; `keep`: an image that stays, since sandboxes are made of it."""
    images = list(images)
    for gone in set(seen) - {image.id for image in images}:
        del seen[gone]
    free = []
    for image in images:
        known = seen.setdefault(image.id, Seen(now))
        names = {image.id, *image.repo_tags, *image.repo_digests}
        if names & set(in_use):
            known.used = now
        elif not image.pinned and keep not in names and now - known.first >= MIN_AGE:
            free.append(image)
    last = {image.id: seen[image.id] for image in free}
    return sorted(free, key=lambda image: (last[image.id].used or 0.0, last[image.id].first))


class ImageCollector:
    """`directory` is where the images lie. `failed` is told, for an Event, what could not be freed."""

    def __init__(
        self,
        cri: CRI,
        clock: Clock,
        directory: Path,
        keep: str,
        failed: Callable[[str], None],
        *,
        disk: Callable[[Path], Disk] | None = None,
    ) -> None:
        self._cri = cri
        self._clock = clock
        self._directory = directory
        self._keep = keep
        self._failed = failed
        self._disk = disk or _disk
        self._seen: dict[str, Seen] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.collect()
            await asyncio.sleep(INTERVAL)

    async def collect(self) -> None:
        """Note which images are used, and remove what has to go. Trouble is logged."""
        try:
            images, containers = await self._cri.list_images(), await self._cri.list_containers({})
            in_use = {name for item in containers for name in (item.image_ref, item.image.image)}
            now = self._clock.monotonic()
            free = candidates(images, in_use, self._seen, self._keep, now)
            wanted = excess(self._disk(self._directory))
            if wanted:
                await self._remove(free, wanted)
        except (CRIError, OSError) as error:
            _log.warning("images that nobody uses are not looked for: %s", error)

    async def _remove(self, free: Sequence[pb.Image], wanted: int) -> None:
        freed = 0
        for image in free:
            if freed >= wanted:
                return
            try:
                await self._cri.remove_image(image.id)
            except CRIError as error:
                _log.warning("image %s is not removed: %s", image.id, error)
                continue
            self._seen.pop(image.id, None)
            freed += image.size
            _log.info("removed image %s, which nobody uses: the disk is full", " ".join(image.repo_tags))
        if freed < wanted:
            self._failed(
                f"Failed to garbage collect required amount of images. Attempted to free {wanted} bytes,"
                f" but only found {freed} bytes eligible to free."
            )


def _disk(directory: Path) -> Disk:
    found = shutil.disk_usage(directory)
    return Disk(found.total, found.total - found.free)
