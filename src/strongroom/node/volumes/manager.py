"""Sets up the volumes of pods and takes them down.

    <pods dir>/<pod uid>/volumes/kubernetes.io~secret/<volume>      a tmpfs of its own for each
    <pods dir>/<pod uid>/volume-subpaths/<volume>/<container>/<n>   what subPath mounts show

Values are only ever on tmpfs. All of it is small local work and done at once, without waiting.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from strongroom.aio.clock import Clock
from strongroom.machinery.gvk import Object
from strongroom.node.lookup import Sources
from strongroom.node.volumes import (
    atomic_writer,
    config_map,
    downward_api,
    empty_dir,
    host_path,
    ownership,
    projected,
    secret,
    tmpfs,
    trees,
)
from strongroom.node.volumes.payload import Payload, VolumeError

_DIRECTORIES = {
    "secret": secret.DIRECTORY,
    "configMap": config_map.DIRECTORY,
    "projected": projected.DIRECTORY,
    "downwardAPI": downward_api.DIRECTORY,
    "emptyDir": empty_dir.DIRECTORY,
}
_IN_MEMORY = frozenset({"secret", "projected", "downwardAPI"})
READ_ONLY = frozenset({"secret", "configMap", "projected", "downwardAPI"})


def kind(volume: Object) -> str:
    """The type of a volume of a pod: the one field besides its name. None means `emptyDir`."""
    kinds = sorted(field for field, value in volume.items() if field != "name" and value is not None)
    return kinds[0] if kinds else "emptyDir"


def group_of(pod: Object) -> int | None:
    """`securityContext.fsGroup` of the pod."""
    group = ((pod.get("spec") or {}).get("securityContext") or {}).get("fsGroup")
    return None if group is None else int(group)


class VolumeManager:
    """The volumes of one node. `allocatable` is the node's, for resource fields without a limit."""

    def __init__(
        self,
        pods_dir: Path,
        objects: Sources,
        clock: Clock,
        *,
        allocatable: Mapping[str, str] | None = None,
        memory: tmpfs.Memory = tmpfs,
    ) -> None:
        self._pods_dir = pods_dir
        self._objects = objects
        self._clock = clock
        self._allocatable = allocatable or {}
        self._memory = memory
        self._mounted: dict[Path, int] = {}
        """The device that each volume was on when it was made ready."""
        self.swap_seen = False
        """Whether a volume of memory may reach swap space on this machine."""

    def pod_dir(self, uid: str) -> Path:
        if not uid or "/" in uid or uid.startswith("."):
            raise VolumeError("invalid pod uid")
        return self._pods_dir / uid

    def path(self, pod: Object, volume: Object) -> Path:
        """Where the volume is on the machine."""
        if (which := kind(volume)) == "hostPath":
            return Path(str(volume[which].get("path", "")))
        if which == "persistentVolumeClaim":
            raise VolumeError(f'persistentvolumeclaim "{volume[which].get("claimName", "")}" not found')
        if which not in _DIRECTORIES or "/" in volume["name"]:
            raise VolumeError(f"no volume plugin matched: this node does not do volumes of type {which}")
        volumes = self.pod_dir(pod["metadata"]["uid"]) / "volumes"
        return volumes / _DIRECTORIES[which] / str(volume["name"])

    def set_up(self, pod: Object, volume: Object) -> bool:
        """Make the volume as the pod and its objects now want it; whether its content changed.

        May be repeated at any time; a volume that is up is brought up to date. Raises `VolumeError`, and
        `NotSyncedError` while the API has not been read; nothing that is up is taken away by either.
        """
        which = kind(volume)
        source = volume.get(which) or {}
        try:
            if which == "hostPath":
                host_path.set_up(source)
                return False
            path = self.path(pod, volume)
            if which == "emptyDir":
                self._make_directory(path.parent)
                empty_dir.set_up(path, source, group_of(pod), self._memory)
                return False
            # The payload first: a Secret that is missing leaves no mount behind.
            files = self.payload(pod, volume)
            self._prepare(path, in_memory=which in _IN_MEMORY, group=group_of(pod))
            return self._write(path, files, group_of(pod))
        except OSError as error:
            raise _failure(error) from error

    def is_up(self, pod: Object, volume: Object) -> bool:
        """Whether the volume has been set up, by this process or one before it."""
        which = kind(volume)
        if which == "hostPath":
            return True
        path = self.path(pod, volume)
        if path in self._mounted or which not in READ_ONLY:
            return path.is_dir()
        mounted = which not in _IN_MEMORY or self._memory.is_mounted(path)
        return mounted and (path / atomic_writer.DATA).is_dir()

    def payload(self, pod: Object, volume: Object) -> Payload:
        """The files the volume shall hold: nothing for types that are not made of API objects."""
        namespace = pod["metadata"]["namespace"]
        which = kind(volume)
        source = volume.get(which) or {}
        if which == "secret":
            return secret.payload(source, self._objects.secret(namespace, secret.name_of(source)))
        if which == "configMap":
            found = self._objects.config_map(namespace, config_map.name_of(source))
            return config_map.payload(source, found)
        if which == "downwardAPI":
            return downward_api.payload(source, pod, self._allocatable)
        if which == "projected":
            return projected.payload(source, pod, self._objects, self._allocatable)
        return {}

    def _write(self, path: Path, files: Payload, group: int | None) -> bool:
        def set_ownership(directory: Path) -> None:
            if group is not None:
                ownership.set_group(directory, group, read_only=True)

        return atomic_writer.write(path, files, self._clock.now(), set_ownership)

    def _prepare(self, path: Path, *, in_memory: bool, group: int | None) -> None:
        # Someone may have unmounted it since: what is written now must not end up on the disk below.
        if self._mounted.get(path, 0) == self._memory.device(path):
            return
        self._make_directory(path.parent)
        path.mkdir(mode=0o755, exist_ok=True)
        if in_memory and not self._memory.is_mounted(path):
            kept_from_swap = self._memory.mount(path)
            self.swap_seen = self.swap_seen or (not kept_from_swap and self._memory.swap_is_on())
        elif not in_memory:
            path.chmod(0o777)
        if group is not None:
            ownership.set_group(path, group, read_only=False)
        self._mounted[path] = self._memory.device(path)

    def _make_directory(self, path: Path) -> None:
        """Make a directory below the pods' one, and those above it, for root alone to enter."""
        for folder in (*reversed(path.relative_to(self._pods_dir).parents), path.relative_to(self._pods_dir)):
            (self._pods_dir / folder).mkdir(mode=0o750, parents=True, exist_ok=True)

    def forget(self, uid: str) -> None:
        """The pod's volumes are about to be taken down."""
        directory = self.pod_dir(uid)
        for path in [path for path in self._mounted if path.is_relative_to(directory)]:
            del self._mounted[path]

    def tear_down(self, uid: str) -> None:
        """Unmount all that is mounted for a pod and remove its directory. May be repeated.

        Touches nothing but files, so that it may run in a thread; `forget` comes before it.
        """
        directory = self.pod_dir(uid)
        try:
            for point in self._memory.mounts_below(directory):
                self._memory.unmount(point)
            while directory.is_dir():
                with contextlib.suppress(FileNotFoundError):  # someone else removes it too
                    trees.remove(directory)
        except OSError as error:
            raise _failure(error) from error

    def pods_on_disk(self) -> list[str]:
        """Uids of the pods that have a directory."""
        if not self._pods_dir.is_dir():
            return []
        return sorted(entry.name for entry in self._pods_dir.iterdir() if entry.is_dir())


def _failure(error: OSError) -> VolumeError:
    where = f": {error.filename}" if error.filename else ""
    return VolumeError(f"{error.strerror}{where}")
