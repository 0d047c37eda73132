"""Volumes of type `emptyDir`: scratch space that lives as long as its pod."""

from pathlib import Path

from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object
from strongroom.node.volumes import ownership, tmpfs

DIRECTORY = "kubernetes.io~empty-dir"
MEMORY = "Memory"


def size_limit(source: Object) -> int | None:
    """The limit in bytes; None if there is none."""
    limit = source.get("sizeLimit")
    size = quantity.of(limit).value() if limit is not None else 0
    return size or None


def set_up(path: Path, source: Object, group: int | None, memory: tmpfs.Memory = tmpfs) -> None:
    """Make the volume at `path` unless it is there. Everyone may write; `group` is the pod's fsGroup."""
    in_memory = source.get("medium") == MEMORY
    if path.is_dir() and (not in_memory or memory.is_mounted(path)):
        return
    path.mkdir(exist_ok=True)
    if in_memory:
        memory.mount(path, size=size_limit(source))
    else:
        path.chmod(0o777)
    if group is not None:
        ownership.set_group(path, group, read_only=False)
