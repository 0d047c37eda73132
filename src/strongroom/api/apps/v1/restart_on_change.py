"""Workloads that want new Pods when a Secret changes, and what of which Secrets their Pods read only once.

Kubernetes has nothing of the kind: a container's environment, and a file that is mounted by `subPath`, keep
the X
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from strongroom.api.core.v1.pod import containers
from strongroom.machinery.gvk import Object

ANNOTATION = "strongroom.dev/restart-on-secret-change"
OBSERVED = "strongroom.dev/observed-secrets"
"""Annotation of a workload: what its controller has seen of the Secrets."""
RESTARTED_AT = "strongroom.dev/restartedAt"
"""Annotation of the template: when the Pods were told to be made anew."""


@dataclass(frozen=True, slots=True)
class Uses:
    """What the Pods of a workload take of one Secret.

    `keys`: those named; `whole`: all there are beside. `required`: keys without which no container starts.
    `must_exist`: without the Secret none does."""

    keys: frozenset[str] = frozenset()
    whole: bool = False
    required: frozenset[str] = frozenset()
    must_exist: bool = False


class _Use(NamedTuple):
    secret: str
    key: str
    """"": all keys."""
    optional: bool


def opted_in(workload: Object) -> bool:
    template = (workload.get("spec") or {}).get("template") or {}
    return any(
        (holder.get("annotations") or {}).get(ANNOTATION) == "true"
        for holder in (workload.get("metadata") or {}, template.get("metadata") or {})
    )


def uses(workload: Object) -> Mapping[str, Uses]:
    """By name of the Secret: what environment and `subPath` mounts of the template's containers take."""
    spec = ((workload.get("spec") or {}).get("template") or {}).get("spec") or {}
    found: dict[str, Uses] = {}
    for use in (*_environment(spec), *_single_files(spec)):
        if use.secret:
            found[use.secret] = _and(found.get(use.secret, Uses()), use)
    return found


def _and(known: Uses, use: _Use) -> Uses:
    own = frozenset((use.key,)) if use.key else frozenset()
    return Uses(
        known.keys | own,
        known.whole or not use.key,
        known.required if use.optional else known.required | own,
        known.must_exist or not use.optional,
    )


def _environment(spec: Object) -> Iterator[_Use]:
    for _, container in containers.every(spec):
        for variable in container.get("env") or ():
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if reference:
                yield _Use(reference.get("name", ""), reference.get("key", ""), _optional(reference))
        for source in container.get("envFrom") or ():
            if reference := source.get("secretRef"):
                yield _Use(reference.get("name", ""), "", _optional(reference))


def _single_files(spec: Object) -> Iterator[_Use]:
    volumes = {volume.get("name"): volume for volume in containers.volumes(spec)}
    for _, container in containers.every(spec):
        for mount in container.get("volumeMounts") or ():
            path = mount.get("subPath") or ""
            if path or mount.get("subPathExpr"):
                yield from _of_volume(volumes.get(mount.get("name")) or {}, path)


def _of_volume(volume: Object, path: str) -> Iterator[_Use]:
    if source := volume.get("secret"):
        yield from _of_source(source.get("secretName", ""), source, path)
    for projection in (volume.get("projected") or {}).get("sources") or ():
        if source := projection.get("secret"):
            yield from _of_source(source.get("name", ""), source, path)


def _of_source(secret: str, source: Object, path: str) -> Iterator[_Use]:
    """Which keys of the source lie at `path`; with an unknown path ("") any may."""
    optional = _optional(source)
    items = source.get("items")
    if not items:
        # A file of a Secret lies where its key says, and a key has no folders.
        yield _Use(secret, path.split("/")[0], optional)
        return
    for item in items:
        place = item.get("path", "")
        if not path or place == path or place.startswith(f"{path}/"):
            yield _Use(secret, item.get("key", ""), optional)


def _optional(reference: Mapping[str, Any]) -> bool:
    return bool(reference.get("optional"))
