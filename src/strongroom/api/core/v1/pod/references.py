"""The Secrets and ConfigMaps that a Pod names: what its node may read, and must watch."""

from collections.abc import Iterator
from typing import Any

from strongroom.api.core.v1.pod import containers
from strongroom.machinery.gvk import Object

# Volume types that name a Secret, and the path of its name.
_SECRET_VOLUMES = (
    ("secret", ("secretName",)),
    ("azureFile", ("secretName",)),
    ("cephfs", ("secretRef", "name")),
    ("cinder", ("secretRef", "name")),
    ("flexVolume", ("secretRef", "name")),
    ("iscsi", ("secretRef", "name")),
    ("rbd", ("secretRef", "name")),
    ("scaleIO", ("secretRef", "name")),
    ("storageos", ("secretRef", "name")),
    ("csi", ("nodePublishSecretRef", "name")),
)


def secret_names(pod: Object) -> frozenset[str]:
    """Every Secret named by volumes, environment and image pull secrets, optional ones too."""
    return frozenset(filter(None, _secrets(pod.get("spec") or {})))


def config_map_names(pod: Object) -> frozenset[str]:
    """Every ConfigMap named by volumes and environment, optional ones too."""
    return frozenset(filter(None, _config_maps(pod.get("spec") or {})))


def pull_secret_names(pod: Object) -> list[str]:
    """`imagePullSecrets`, in order."""
    references = (pod.get("spec") or {}).get("imagePullSecrets") or ()
    return [reference["name"] for reference in references if reference.get("name")]


def _secrets(spec: Object) -> Iterator[str]:
    for reference in spec.get("imagePullSecrets") or ():
        yield reference.get("name", "")
    for volume in containers.volumes(spec):
        for kind, path in _SECRET_VOLUMES:
            yield _at(volume.get(kind), path)
    yield from _projected(spec, "secret")
    yield from _environment(spec, "secretKeyRef", "secretRef")


def _config_maps(spec: Object) -> Iterator[str]:
    for volume in containers.volumes(spec):
        yield _at(volume.get("configMap"), ("name",))
    yield from _projected(spec, "configMap")
    yield from _environment(spec, "configMapKeyRef", "configMapRef")


def _at(value: Any, path: tuple[str, ...]) -> str:
    for part in path:
        value = (value or {}).get(part)
    return value or ""


def _projected(spec: Object, kind: str) -> Iterator[str]:
    for volume in containers.volumes(spec):
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield _at(source.get(kind), ("name",))


def _environment(spec: Object, key_reference: str, reference: str) -> Iterator[str]:
    for _, container in containers.every(spec):
        for variable in container.get("env") or ():
            yield _at(variable.get("valueFrom"), (key_reference, "name"))
        for source in container.get("envFrom") or ():
            yield _at(source.get(reference), ("name",))
