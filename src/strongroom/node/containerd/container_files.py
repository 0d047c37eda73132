"""A directory with a file for each of some containers, which has the container's id as its name."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


class ContainerFiles:
    """Those in `directory`, which need not be there yet."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def containers(self) -> list[str]:
        """The ids of the containers that have one."""
        with suppress(FileNotFoundError):
            return [path.name for path in self._directory.iterdir()]
        return []

    def remove(self, container_id: str) -> None:
        """Remove a container's, if it has one."""
        with suppress(FileNotFoundError):
            (self._directory / container_id).unlink()

    def keep_only(self, container_ids: Iterable[str], among: Iterable[str]) -> None:
        """Remove those of the containers `among` that are not in `container_ids`."""
        for container_id in set(among) - set(container_ids):
            self.remove(container_id)
