"""Hands what the runtime reports about containers to the workers of their pods."""

from collections.abc import AsyncIterator
from typing import Protocol

from strongroom.node.pod_workers import PodWorkers

_ENDS = frozenset({"exit", "delete"})


class ContainerEvent(Protocol):
    """What happened to a container, which may be a pod's sandbox."""

    @property
    def kind(self) -> str:
        """`start`, `exit`, `oom`, `delete`; `resync`: events may have been missed."""
        ...

    @property
    def container_id(self) -> str: ...

    @property
    def exec_id(self) -> str:
        """ "" for the container's own first process."""
        ...


class EventSource(Protocol):
    """Events without end."""

    def __aiter__(self) -> AsyncIterator[ContainerEvent]: ...


async def follow(source: EventSource, workers: PodWorkers) -> None:
    """Wake workers until cancelled. Starts are no news: it is the workers who start containers."""
    async for event in source:
        if event.kind == "resync":
            workers.runtime_changed()
        elif event.kind == "oom":
            workers.out_of_memory(event.container_id)
        elif event.kind in _ENDS and not event.exec_id:
            workers.container_ended(event.container_id)
