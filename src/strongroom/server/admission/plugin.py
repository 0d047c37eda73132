"""The protocol of admission plugins, and their chain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple, Protocol, runtime_checkable

from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.request_info import UserInfo
from strongroom.server.admission.durations import Durations, Passed, Who

CREATE, UPDATE, DELETE, CONNECT = "CREATE", "UPDATE", "DELETE", "CONNECT"


@dataclass(slots=True)
class Attributes:
    """One write that is asked for. `obj` may be changed by a plugin; it is None for DELETE and CONNECT.

    `name` is "" when it is to be generated."""

    operation: str
    resource: Resource
    subresource: str
    namespace: str
    name: str
    user: UserInfo
    obj: Object | None = None
    old: Object | None = None
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)
    """Texts for `Warning` headers, from plugins."""
    annotations: dict[str, str] = field(default_factory=dict)
    """For the audit log, from plugins."""

    @property
    def shown_name(self) -> str:
        """How a refusal names the object."""
        generated = self.obj["metadata"].get("generateName") if self.obj else ""
        return self.name or generated or "Unknown"


class Plugin(Protocol):
    @property
    def who(self) -> Who:
        """What metrics call it."""
        ...

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        """Whether `admit` is to be asked about such writes. The answer never changes."""
        ...

    async def admit(self, attributes: Attributes) -> None:
        """Change `attributes.obj`, or raise StatusError to refuse."""
        ...


@runtime_checkable
class Passing(Protocol):
    """A plugin that can tell beforehand that it has nothing to do."""

    def passes(self, operation: str, namespace: str) -> bool:
        """Whether `admit` would let anything of the kinds that it handles pass there, now, as it is."""
        ...


class _Passing(NamedTuple):
    passes: tuple[Callable[[str, str], bool], ...]
    passed: Passed


class Chain:
    """The plugins in their order. `durations`: how long they take."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self._plugins = tuple(plugins)
        self._chosen: dict[tuple[str, Resource, str], tuple[Plugin, ...]] = {}
        self._passing: dict[tuple[str, Resource], _Passing] = {}
        self.durations = Durations()

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        """Whether any plugin is to be asked."""
        return bool(self._for(operation, resource, subresource))

    async def admit(self, attributes: Attributes) -> None:
        operation = attributes.operation
        with self.durations.request(operation) as taken:
            began = perf_counter()
            for plugin in self._for(operation, attributes.resource, attributes.subresource):
                try:
                    await plugin.admit(attributes)
                except BaseException:
                    taken.add(plugin.who, perf_counter() - began, rejected=True)
                    raise
                now = perf_counter()
                taken.add(plugin.who, now - began)
                began = now

    def passes(self, operation: str, resource: Resource, namespace: str) -> bool:
        """Whether every plugin that is to be asked about such writes would let them pass as they are."""
        asked = self._passing.get((operation, resource))
        if asked is None:
            chosen = self._for(operation, resource, "")
            asked = self._passing[operation, resource] = _Passing(
                tuple(p.passes if isinstance(p, Passing) else _never for p in chosen),
                self.durations.passed(operation, [plugin.who for plugin in chosen]),
            )
        began = perf_counter()
        for passes in asked.passes:
            if not passes(operation, namespace):
                return False
        passed = asked.passed
        passed.number += 1
        passed.seconds += perf_counter() - began
        return True

    def _for(self, operation: str, resource: Resource, subresource: str) -> tuple[Plugin, ...]:
        key = (operation, resource, subresource)
        chosen = self._chosen.get(key)
        if chosen is None:
            chosen = tuple(p for p in self._plugins if p.handles(operation, resource, subresource))
            self._chosen[key] = chosen
        return chosen


def _never(operation: str, namespace: str) -> bool:
    return False
