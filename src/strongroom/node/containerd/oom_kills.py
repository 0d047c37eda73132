"""Which containers lost a process because they had no memory left, for certain.

containerd learns it from an event of the kernel's, which it reads beside the end of the container: on a busy
machine the event comes after the end, or never, if the container's control group is gone by then. Such a
container would be told to have ended with `Error`. So the wrapper around the OCI runtime (`runtime_wrapper`)
reads the kernel's count itself, after the last process has ended and before the group is removed, which is
before containerd says that the container has ended.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


class OOMKills:
    """The notes, an empty file for each such container in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def happened(self, container_id: str) -> bool:
        """Whether the container, which has ended, is one of them."""
        return (self._directory / container_id).exists()

    def containers(self) -> list[str]:
        """The ids of all of them."""
        with suppress(FileNotFoundError):
            return [path.name for path in self._directory.iterdir()]
        return []

    def keep_only(self, container_ids: Iterable[str], among: Iterable[str]) -> None:
        """Forget those `among` the containers that are not in `container_ids`."""
        for container_id in set(among) - set(container_ids):
            (self._directory / container_id).unlink(missing_ok=True)
