"""Keeps logs of containers from filling the disk: what grew too large is put aside, compressed and dropped.

The newest rotated file stays as it is, since whoever follows it may not have read it to its end.
Source: the kubelet's `containerLogMaxSize` and `containerLogMaxFiles`.
"""

import asyncio
import gzip
import logging
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from strongroom.aio.clock import Clock
from strongroom.node.cri.errors import CRIError
from strongroom.node.cri.protocol import CRI
from strongroom.node.runtime.observed import Container

MAX_SIZE = 10 * 1024 * 1024
MAX_FILES = 5
_INTERVAL = 10.0
_FLOOD_INTERVAL = 1.0
_FLOOD_LOOKS = 30
"""Seconds between two looks, and how many there are of these, after a log grew so fast that it had to be
rotated: what wrote so much may come in bursts."""
_log = logging.getLogger(__name__)


class LogRotation:
    """`running` gives the containers that write logs. A log is one file of `max_size` bytes, or little more,
    and at most `max_files` - 1 older ones beside it."""

    def __init__(
        self,
        cri: CRI,
        clock: Clock,
        running: Callable[[], Iterable[Container]],
        *,
        max_size: int = MAX_SIZE,
        max_files: int = MAX_FILES,
    ) -> None:
        self._cri = cri
        self._clock = clock
        self._running = running
        self._max_size = max_size
        self._max_files = max_files

    async def run(self) -> None:
        """Look at the size of all logs now and then, until cancelled."""
        soon = 0
        while True:
            await asyncio.sleep(_FLOOD_INTERVAL if soon else _INTERVAL)
            soon = _FLOOD_LOOKS if await self.rotate() else max(soon - 1, 0)

    async def rotate(self) -> int:
        """Rotate the logs that are too large; how many were. What goes wrong with one is logged and tried
        again later."""
        count = 0
        for container in list(self._running()):
            path = Path(container.log_path)
            try:
                if container.log_path and path.stat().st_size > self._max_size:
                    await self._rotate(container.id, path)
                    count += 1
            except FileNotFoundError:
                continue  # it ended, and its log is gone
            except OSError as error:
                _log.warning("log of container %s: %s", container.name, error.strerror)
            except CRIError as error:
                _log.warning("log of container %s: %s", container.name, error)
        return count

    async def _rotate(self, container_id: str, path: Path) -> None:
        aside = path.with_name(f"{path.name}.{self._clock.now():%Y%m%d-%H%M%S}")
        if rotated(aside) or aside.exists():
            return  # the clock was set back, or a second has not passed
        await asyncio.to_thread(self._make_room, path)
        path.rename(aside)
        try:
            await self._cri.reopen_container_log(container_id)
        except CRIError:
            # The runtime goes on writing to the file that it has open: let it keep its name.
            if not path.exists():
                aside.rename(path)
            raise

    def _make_room(self, path: Path) -> None:
        """Drop the oldest, so that with the one that comes there are not too many, and compress the rest."""
        older = rotated(path)
        for leftover in [each for each in older if each.suffix == ".tmp"]:
            leftover.unlink(missing_ok=True)
        kept = [each for each in older if each.suffix != ".tmp"]
        excess = max(0, len(kept) - (self._max_files - 2))
        for oldest in kept[:excess]:
            oldest.unlink(missing_ok=True)
        for plain in [each for each in kept[excess:] if each.suffix != ".gz"]:
            _compress(plain)


def rotated(path: Path) -> list[Path]:
    """What was rotated away of a log, the oldest first."""
    return sorted(path.parent.glob(f"{path.name}.*"))


def remove(path: Path) -> None:
    """Remove a log with all that was rotated away of it."""
    for each in (path, *rotated(path)):
        each.unlink(missing_ok=True)


def _compress(path: Path) -> None:
    packed = path.with_name(f"{path.name}.gz")
    temporary = packed.with_name(f"{packed.name}.tmp")
    with path.open("rb") as source, gzip.open(temporary, "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
    temporary.chmod(path.stat().st_mode & 0o777)
    temporary.rename(packed)
    path.unlink()
