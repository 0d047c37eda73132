"""Warnings about a Pod's volumes: kinds that are gone, and paths that are in each other's way."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from strongroom.api.core.v1.pod import containers
from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object

_DEPRECATED: Final[Mapping[str, str]] = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_SHOWN: Final = {"storageos": "storageOS"}
_MOST_OVERLAPS: Final = 1000
"""That are told of one volume: many more than fit into an answer's headers."""


class _Place(NamedTuple):
    """A path in a volume, and what puts a file there ("": the volume itself)."""

    path: str
    source: str = ""

    def __str__(self) -> str:
        return f'"{self.path}" ({self.source})' if self.source else f'"{self.path}"'


def warnings(spec: Object, at: str) -> Iterator[str]:
    for index, volume in enumerate(containers.volumes(spec)):
        for field, text in _DEPRECATED.items():
            if volume.get(field) is not None:
                yield f"{at}spec.volumes[{index}].{_SHOWN.get(field, field)}: {text}"
        yield from _claim_template(volume, f"{at}spec.volumes[{index}].ephemeral.volumeClaimTemplate.spec")
    for volume in containers.volumes(spec):
        yield from _overlaps(volume)


def _claim_template(volume: Object, path: str) -> Iterator[str]:
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate") or {}
    asked = (template.get("spec") or {}).get("resources") or {}
    for kind in ("requests", "limits"):
        amount = (asked.get(kind) or {}).get("storage", "0")
        if quantity.of(amount).nanos % quantity.NANO:
            at = f"{path}.resources.{kind}[storage]"
            yield f'{at}: fractional byte value "{amount}" is invalid, must be an integer'


def _overlaps(volume: Object) -> Iterator[str]:
    name = volume.get("name", "")
    if found := volume.get("configMap"):
        yield from _told(name, f'ConfigMap "{found.get("name", "")}"', _items(found))
    if found := volume.get("secret"):
        yield from _told(name, f'Secret "{found.get("secretName", "")}"', _items(found))
    if found := volume.get("downwardAPI"):
        yield from _told(name, "DownwardAPI", _items(found))
    if (found := volume.get("projected")) is not None:
        places: list[_Place] = []
        for source in found.get("sources") or ():
            if not source:
                yield f'volume "{name}" (Projected) has no sources provided'
            places += _of_source(source)
        yield from _told(name, "Projected", places)


def _items(source: Object, name: str = "") -> list[_Place]:
    return [_Place(item.get("path", ""), name) for item in source.get("items") or ()]


def _of_source(source: Object) -> Sequence[_Place]:
    if (found := source.get("configMap")) and found.get("items"):
        return _items(found, f'ConfigMap "{found.get("name", "")}"')
    if (found := source.get("secret")) and found.get("items"):
        return _items(found, f'Secret "{found.get("name", "")}"')
    if (found := source.get("downwardAPI")) and found.get("items"):
        return _items(found, "DownwardAPI")
    if found := source.get("serviceAccountToken"):
        return [_Place(found.get("path", ""), "ServiceAccountToken")]
    return ()


def _told(volume: str, kind: str, places: Sequence[_Place]) -> Iterator[str]:
    stripped = [place._replace(path=place.path.rstrip("/")) for place in places]
    for later, earlier in sorted(itertools.islice(_overlapping(stripped), _MOST_OVERLAPS)):
        yield f'volume "{volume}" ({kind}): overlapping paths: {stripped[later]} with {stripped[earlier]}'


def _overlapping(places: Sequence[_Place]) -> Iterator[tuple[int, int]]:
    """Pairs of places, the later one first, of which one is the other or lies above it.

    In their order, a path's descendants come right behind it: nothing is compared with everything."""
    directories = [f"{place.path}/" for place in places]
    above: list[int] = []
    for index in sorted(range(len(places)), key=directories.__getitem__):
        if not places[index].path:
            continue
        while above and not directories[index].startswith(directories[above[-1]]):
            above.pop()
        for other in above:
            yield max(index, other), min(index, other)
        above.append(index)
