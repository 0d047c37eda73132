"""Walks over a Pod's containers, with the paths that messages use."""

from collections.abc import Iterator
from typing import Any

from strongroom.machinery.gvk import Object

KINDS = ("containers", "initContainers", "ephemeralContainers")
ALWAYS = "Always"


def of(spec: Object, kind: str) -> list[Object]:
    """The containers of one of `KINDS`."""
    found: list[Object] = spec.get(kind) or []
    return found


def every(spec: Object) -> Iterator[tuple[str, Object]]:
    """All containers of all kinds, each with its path (`spec.containers[0]`)."""
    for kind in KINDS:
        for index, container in enumerate(of(spec, kind)):
            yield f"spec.{kind}[{index}]", container


def visited(spec: Object) -> Iterator[tuple[str, Object]]:
    """The same as `every`, in the order in which rules of the whole Pod look at them."""
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(of(spec, kind)):
            yield f"spec.{kind}[{index}]", container


def is_sidecar(container: Object) -> bool:
    """An init container that keeps running beside the others."""
    return bool(container.get("restartPolicy") == ALWAYS)


def volumes(spec: Object) -> list[Any]:
    found: list[Any] = spec.get("volumes") or []
    return found
