"""How containers and volumes are told of, and found."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import go_quote


def containers(spec: Object) -> Iterator[Object]:
    """All: init containers first, ephemeral ones last."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()


def context(holder: Object) -> Object:
    """The securityContext of a Pod's spec or a container; empty if there is none."""
    found: Object = holder.get("securityContext") or {}
    return found


def offending(spec: Object, is_wrong: Callable[[Object], bool]) -> list[str]:
    """Names of the containers of which it holds."""
    return [container.get("name", "") for container in containers(spec) if is_wrong(container)]


def quoted(names: Iterable[str]) -> str:
    return ", ".join(go_quote(name) for name in names)


def plural(one: str, several: str, names: Sequence[str]) -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{one if len(names) == 1 else several} {quoted(names)}"


def shown(names: Sequence[str]) -> str:
    return plural("container", "containers", names)
