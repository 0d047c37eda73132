"""What one pod has on the disk of its machine.

Counted as the kubelet counts ephemeral storage: the writable layer and the logs of each container, `emptyDir`
on disk, ConfigMaps, and the hosts file. Layers are as the runtime last measured them.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri.protocol import CRI
from strongroom.node.runtime import labels
from strongroom.node.volumes import manager as volumes
from strongroom.node.volumes import trees
from strongroom.node.volumes.manager import VolumeManager

_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Used:
    """Bytes. `containers`: of each, what counts against a limit of its own."""

    containers: Mapping[str, int]
    total: int


class DiskUsage:
    """Measures in a thread: what containers wrote may be much."""

    def __init__(self, cri: CRI, pod_volumes: VolumeManager, logs_dir: Path) -> None:
        self._cri = cri
        self._volumes = pod_volumes
        self._logs_dir = logs_dir

    async def of(self, pod: Object, enough: int) -> Used:
        """What `pod` uses; nothing is counted at length that is more than `enough`. Raises `CRIError`."""
        stats = await self._cri.list_container_stats({labels.POD_UID: pod["metadata"]["uid"]})
        return await asyncio.to_thread(self._measure, pod, _newest(stats), enough)

    def _measure(self, pod: Object, layers: Mapping[str, pb.FilesystemUsage], enough: int) -> Used:
        logs = self._logs_dir / labels.log_directory(pod)
        here = self._volumes.pod_dir(pod["metadata"]["uid"])
        containers: dict[str, int] = {}
        total = _blocks(here / "etc-hosts")
        for name, layer in layers.items():
            written, told = layer.used_bytes.value, trees.used(logs / name, enough)
            total += written + told
            containers[name] = told if _is_elsewhere(layer.fs_id.mountpoint, here) else told + written
        for volume in (pod.get("spec") or {}).get("volumes") or ():
            if _is_on_disk(volume):
                total += trees.used(self._volumes.path(pod, volume), enough)
        return Used(containers, total)


def _newest(stats: Iterable[pb.ContainerStats]) -> dict[str, pb.FilesystemUsage]:
    """By name, of the newest run of each container."""
    found: dict[str, pb.ContainerStats] = {}
    for each in stats:
        name, attempt = each.attributes.metadata.name, each.attributes.metadata.attempt
        if name not in found or attempt > found[name].attributes.metadata.attempt:
            found[name] = each
    return {name: each.writable_layer for name, each in found.items()}


def _is_on_disk(volume: Object) -> bool:
    which = volumes.kind(volume)
    return which == "configMap" or (which == "emptyDir" and not (volume.get(which) or {}).get("medium"))


def _is_elsewhere(layers: str, here: Path) -> bool:
    """Whether layers have a disk of their own: then they do not count against a container's limit."""
    try:
        return bool(layers) and Path(layers).stat().st_dev != here.stat().st_dev
    except OSError:
        return False


def _blocks(path: Path) -> int:
    try:
        return path.stat().st_blocks * _BLOCK
    except OSError:
        return 0
