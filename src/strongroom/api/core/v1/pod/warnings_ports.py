"""Warnings about the ports of a Pod's containers: definitions that are in each other's way."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from strongroom.machinery.gvk import Object

_MOST_CLASHES: Final = 1000
"""That are told: many more than fit into an answer's headers."""


def warnings(visited: Iterable[tuple[str, Object]]) -> Iterator[str]:
    """`visited`: the containers and where they stand."""
    listed = [
        (f"{path}.ports[{index}]", port)
        for path, container in visited
        for index, port in enumerate(container.get("ports") or ())
    ]
    of_port: defaultdict[tuple[object, object], _Definitions] = defaultdict(_Definitions)
    left = _MOST_CLASHES
    for number, (path, port) in enumerate(listed):
        if port.get("hostIP") and not port.get("hostPort"):
            shown = (
                f"{{Name:{port.get('name', '')} HostPort:0 ContainerPort:{port.get('containerPort', 0)} "
                f"Protocol:{port.get('protocol', '')} HostIP:{port['hostIP']}}}"
            )
            yield f"{path}: hostIP set without hostPort: {shown}"
        others = of_port[port.get("containerPort"), port.get("protocol")]
        for other in others.in_the_way(port)[:left] if left else ():
            left -= 1
            yield f"{path}: {_clash(port, listed[other][1])} port definition with {listed[other][0]}"
        others.add(number, port)
    by_name: dict[str, str] = {}
    for path, port in listed:
        if name := port.get("name"):
            first = by_name.setdefault(name, path)
            if first != path:
                yield (
                    f'{path}: duplicate port name "{name}" with {first}, services and probes that select '
                    f"ports by name will use {first}"
                )


class _Definitions:
    """Those of one container's port, so that none is held against all others."""

    def __init__(self) -> None:
        self._all: list[int] = []
        self._without: list[int] = []
        """Without a port of the host."""
        self._same: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
        self._bound: defaultdict[int, list[int]] = defaultdict(list)
        """By the host's port, those with an address of the host."""

    def add(self, number: int, port: Object) -> None:
        host, ip = _host(port)
        self._all.append(number)
        if not host:
            self._without.append(number)
        self._same[host, ip].append(number)
        if ip:
            self._bound[host].append(number)

    def in_the_way(self, port: Object) -> list[int]:
        """The numbers of those that clash with `port`, in their order."""
        host, ip = _host(port)
        if not host:
            return self._all
        ambiguous = self._same.get((host, ""), []) if ip else self._bound.get(host, [])
        return sorted([*self._without, *self._same.get((host, ip), []), *ambiguous])


def _host(port: Object) -> tuple[int, str]:
    return port.get("hostPort") or 0, port.get("hostIP") or ""


def _clash(port: Object, other: Object) -> str:
    """How two definitions of one container's port go together that clash."""
    if _host(port) == _host(other):
        return "duplicate"
    if not port.get("hostPort") or not other.get("hostPort"):
        return "overlapping"
    return "dangerously ambiguous"
