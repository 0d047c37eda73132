"""The ways by which the Secrets that a Pod names reach its containers. Pull secrets reach none."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from strongroom.api.core.v1.pod import containers
from strongroom.machinery.gvk import Object

VOLUME: Final = "Volume"
"""Files that follow the Secret."""
SUB_PATH: Final = "SubPath"
"""A file or directory of a volume, as it was when the container started."""
ENV: Final = "Env"
"""Variables, as they were when the container started."""


class Use(NamedTuple):
    """One Secret in one container. `passing`: an init container, which ends before the others start."""

    secret: str
    container: str
    way: str
    volume: str = ""
    passing: bool = False

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells one use of a Pod from another."""
        return self.secret, self.container, self.way, self.volume


def uses(pod: Object) -> list[Use]:
    """All of them, each once, in the order of the Pod's containers."""
    spec = pod.get("spec") or {}
    volumes = {volume["name"]: secrets_of(volume) for volume in containers.volumes(spec)}
    found: dict[tuple[str, str, str, str], Use] = {}
    for kind in containers.KINDS:
        for container in containers.of(spec, kind):
            passing = kind == "initContainers" and not containers.is_sidecar(container)
            for secret, way, volume in _of_container(container, volumes):
                use = Use(secret, str(container["name"]), way, volume, passing)
                found.setdefault(use.key, use)
    return list(found.values())


def secrets_of(volume: Object) -> list[str]:
    """The Secrets that a volume is made of."""
    if (source := volume.get("secret")) is not None:
        names = [source.get("secretName")]
    else:
        sources = (volume.get("projected") or {}).get("sources") or ()
        names = [(part.get("secret") or {}).get("name") for part in sources]
    return list(dict.fromkeys(str(name) for name in names if name))


def env_secrets(container: Object) -> list[str]:
    """The Secrets that a container's variables are made of."""
    return list(dict.fromkeys(_env(container)))


def _of_container(container: Object, volumes: dict[str, list[str]]) -> Iterable[tuple[str, str, str]]:
    for mount in container.get("volumeMounts") or ():
        way = SUB_PATH if is_sub_path(mount) else VOLUME
        for secret in volumes.get(mount["name"], ()):
            yield secret, way, str(mount["name"])
    for secret in _env(container):
        yield secret, ENV, ""


def is_sub_path(mount: Object) -> bool:
    """Whether a mount shows a part of its volume: what it shows is fixed when the container starts."""
    return bool(mount.get("subPath") or mount.get("subPathExpr"))


def _env(container: Object) -> Iterator[str]:
    for source in container.get("envFrom") or ():
        if name := (source.get("secretRef") or {}).get("name"):
            yield str(name)
    for variable in container.get("env") or ():
        if name := ((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name"):
            yield str(name)
