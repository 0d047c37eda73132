"""NamespaceLifecycle: nothing is created where there is no namespace or it is ending; some never end."""

from typing import Final

from strongroom.api import resources
from strongroom.machinery import status
from strongroom.machinery.gvk import Resource
from strongroom.registry.generic import Registry
from strongroom.server.admission.durations import ADMIT, Who
from strongroom.server.admission.plugin import CREATE, DELETE, Attributes

_REMEMBERED: Final = 1024
_ENDING: Final = b'"deletionTimestamp"'
IMMORTAL = frozenset(("default", "kube-system", "kube-public"))


class NamespaceLifecycle:
    who = Who("NamespaceLifecycle", ADMIT)

    def __init__(self, namespaces: Registry) -> None:
        self._namespaces = namespaces
        self._rows = namespaces.rows
        self._prefix = namespaces.resource.storage_prefix
        self._lasting: dict[str, object] = {}
        """Namespaces that do not end, in the state that was looked at."""

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        if operation == DELETE:
            return resource == resources.NAMESPACES
        return operation == CREATE and resource.namespaced

    def passes(self, operation: str, namespace: str) -> bool:
        """As admission's `Passing`: there is the namespace, and nothing says that it ends."""
        entry = self._rows.get(self._prefix + namespace)
        if entry is None or operation != CREATE:
            return False
        if self._lasting.get(namespace) is not entry:
            if entry.error or _ENDING in entry.item:
                return False
            if len(self._lasting) >= _REMEMBERED:
                self._lasting.clear()
            self._lasting[namespace] = entry
        return True

    async def admit(self, attributes: Attributes) -> None:
        if attributes.operation == DELETE:
            if attributes.name in IMMORTAL:
                raise status.forbidden(
                    attributes.resource, attributes.name, "this namespace may not be deleted"
                )
            return
        name = attributes.namespace
        entry = self._namespaces.find("", name)
        if entry is None:
            raise status.not_found(resources.NAMESPACES, name)
        # The marker is looked for in the bytes first: decoding a namespace for each write would cost more.
        if _ENDING not in entry.item:
            return
        if entry.decode()["metadata"].get("deletionTimestamp"):
            raise status.forbidden(
                attributes.resource,
                attributes.shown_name,
                f"unable to create new content in namespace {name} because it is being terminated",
                [
                    status.Cause(
                        "NamespaceTerminating", f"namespace {name} is being terminated", "metadata.namespace"
                    )
                ],
            )
