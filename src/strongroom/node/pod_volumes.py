"""The volumes of one pod: set up before its containers, and brought up to date when an object changes."""

from dataclasses import dataclass, field

from strongroom.api import resources
from strongroom.api.core.v1.pod import secret_uses
from strongroom.machinery.gvk import Object
from strongroom.node import events
from strongroom.node.delivery.receipt import Held, version_of
from strongroom.node.lookup import NotSyncedError
from strongroom.node.object_cache import Reference
from strongroom.node.services import Services
from strongroom.node.volumes.payload import VolumeError

_FIRST_RETRY = 0.5
_LAST_RETRY = 122.0
_PATIENCE = 2.0
"""Seconds for which an object may be unread before that is told."""


@dataclass(slots=True)
class _Trouble:
    """A volume that could not be set up. Times are those of the monotonic clock."""

    since: float
    retry_at: float = 0.0
    delay: float = _FIRST_RETRY
    told: str = ""


@dataclass(slots=True)
class PodVolumes:
    """`refresh` does what there is to do, at once. What fails is told as FailedMount, ever less often."""

    services: Services
    dirty: bool = True
    """Something that volumes are made of may have changed."""
    held: dict[str, Held] = field(default_factory=dict)
    """By volume: which versions of Secrets its files are made of."""
    _changed: set[Reference] = field(default_factory=set)
    _troubles: dict[str, _Trouble] = field(default_factory=dict)
    _swap_told: bool = False

    def changed(self, reference: Reference | None) -> None:
        """An object has changed; None: something that any volume may be made of."""
        if reference is None:
            self.dirty = True
        else:
            self._changed.add(reference)

    def refresh(self, pod: Object) -> bool:
        """Bring all volumes up to date if need be; whether all are there for containers to start."""
        volumes = (pod.get("spec") or {}).get("volumes") or ()
        now = self.services.clock.monotonic()
        due = any(trouble.retry_at <= now for trouble in self._troubles.values())
        whole, changed = self.dirty or due, self._changed
        if whole or changed:
            self.dirty, self._changed = True, set()  # what breaks off below is looked at again
            for volume in volumes:
                if whole or any(_is_made_of(volume, reference) for reference in changed):
                    self._set_up(pod, volume, now)
            self.dirty = False
            self._tell_of_swap(pod)
        troubled = [volume for volume in volumes if volume["name"] in self._troubles]
        return all(self._is_up(pod, volume) for volume in troubled)

    def retry_in(self) -> float | None:
        """Seconds until a volume that failed is to be tried again; None if none failed."""
        now = self.services.clock.monotonic()
        return min((max(0.0, item.retry_at - now) for item in self._troubles.values()), default=None)

    def _set_up(self, pod: Object, volume: Object, now: float) -> None:
        name = str(volume["name"])
        try:
            self.services.volumes.set_up(pod, volume)
        except NotSyncedError as error:
            trouble = self._troubles.setdefault(name, _Trouble(now))
            trouble.retry_at = trouble.since + _PATIENCE
            if now >= trouble.retry_at:
                self._failed(pod, name, str(error), now)
        except VolumeError as error:
            self._failed(pod, name, str(error), now)
        else:
            self._troubles.pop(name, None)
            self._note(pod, volume)

    def _note(self, pod: Object, volume: Object) -> None:
        if names := secret_uses.secrets_of(volume):
            namespace = pod["metadata"]["namespace"]
            versions = {name: version_of(self.services.objects.secret(namespace, name)) for name in names}
            self.held[volume["name"]] = Held(versions)

    def _failed(self, pod: Object, name: str, text: str, now: float) -> None:
        self.held[name] = Held(self.held[name].versions if name in self.held else {}, text)
        trouble = self._troubles.setdefault(name, _Trouble(now))
        due = trouble.retry_at <= now
        if text != trouble.told or due:
            message = f'MountVolume.SetUp failed for volume "{name}" : {text}'
            self.services.recorder.event(pod, events.WARNING, "FailedMount", message)
        if text != trouble.told:
            trouble.delay = _FIRST_RETRY
        elif due:
            trouble.delay = min(trouble.delay * 2, _LAST_RETRY)
        trouble.told = text
        trouble.retry_at = now + trouble.delay

    def _is_up(self, pod: Object, volume: Object) -> bool:
        try:
            return self.services.volumes.is_up(pod, volume)
        except VolumeError:
            return False

    def _tell_of_swap(self, pod: Object) -> None:
        if self.services.volumes.swap_seen and not self._swap_told:
            self._swap_told = True
            self.services.recorder.event(
                pod,
                events.WARNING,
                "PossibleMemoryBackedVolumesOnDisk",
                "The tmpfs noswap option is not supported. Memory-backed volumes (e.g. secrets, emptyDirs,"
                " etc.) might be swapped to disk and should no longer be considered secure.",
            )


def _is_made_of(volume: Object, reference: Reference) -> bool:
    """Whether a Secret or ConfigMap is a source of the volume."""
    resource, _, name = reference
    if resource == resources.SECRETS:
        return name in secret_uses.secrets_of(volume)
    sources = (volume.get("projected") or {}).get("sources") or ()
    return any((each.get("configMap") or {}).get("name") == name for each in (volume, *sources))
