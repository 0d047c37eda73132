"""The protocol of admission plugins, and their chain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.request_info import UserInfo

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


class Chain:
    """The plugins in their order."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self._plugins = tuple(plugins)
        self._chosen: dict[tuple[str, Resource, str], tuple[Plugin, ...]] = {}
        self._passing: dict[tuple[str, Resource], tuple[Callable[[str, str], bool], ...]] = {}

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        """Whether any plugin is to be asked."""
        return bool(self._for(operation, resource, subresource))

    async def admit(self, attributes: Attributes) -> None:
        for plugin in self._for(attributes.operation, attributes.resource, attributes.subresource):
            await plugin.admit(attributes)

    def passes(self, operation: str, resource: Resource, namespace: str) -> bool:
        """Whether every plugin that is to be asked about such writes would let them pass as they are."""
        passing = self._passing.get((operation, resource))
        if passing is None:
            chosen = self._for(operation, resource, "")
            passing = tuple(p.passes if isinstance(p, Passing) else _never for p in chosen)
            self._passing[operation, resource] = passing
        for passes in passing:  # noqa: SIM110 - a generator would take as long as what it asks
            if not passes(operation, namespace):
                return False
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
