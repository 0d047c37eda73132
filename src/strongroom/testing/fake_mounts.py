"""Memory file systems for tests that may not mount: plain directories that are noted as mounted."""

from pathlib import Path


class FakeMounts:
    """Fulfils `node.volumes.tmpfs.Memory`. `kept_from_swap`: what the pretended kernel can do."""

    def __init__(self, *, kept_from_swap: bool = True, swap: bool = False) -> None:
        self.mounted: list[Path] = []
        self.sizes: dict[Path, int | None] = {}
        self._kept_from_swap = kept_from_swap
        self._swap = swap

    def mount(self, path: Path, *, size: int | None = None) -> bool:
        assert path.is_dir()
        self.mounted.append(path)
        self.sizes[path] = size
        path.chmod(0o1777)
        return self._kept_from_swap

    def unmount(self, path: Path) -> None:
        self.mounted.remove(path)

    def is_mounted(self, path: Path) -> bool:
        return path in self.mounted

    def device(self, path: Path) -> int:
        if not path.exists():
            return -1
        return 1 if path not in self.mounted else 2 + list(self.sizes).index(path)

    def mounts_below(self, directory: Path) -> list[Path]:
        return sorted((path for path in self.mounted if path.is_relative_to(directory)), reverse=True)

    def swap_is_on(self) -> bool:
        return self._swap
