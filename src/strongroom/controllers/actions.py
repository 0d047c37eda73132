"""What a controller decides to do, as values; and the one place that does it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from strongroom.client.rest import Client
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource


@dataclass(frozen=True, slots=True)
class Create:
    """Post an object; one that is there by now is as good."""

    resource: Resource
    namespace: str
    obj: Object = field(repr=False)


@dataclass(frozen=True, slots=True)
class Update:
    """Replace an object, if it is still at its resourceVersion."""

    resource: Resource
    namespace: str
    obj: Object = field(repr=False)
    subresource: str = ""


Action = Create | Update


async def perform(client: Client, actions: Iterable[Action]) -> None:
    """Do them in order. Raises StatusError and ConnectionFailed, with the rest left undone.

    The namespace going away meanwhile is no error: there is nothing left to do in it.
    """
    for action in actions:
        try:
            if isinstance(action, Create):
                await client.create(action.resource, action.obj, action.namespace)
            else:
                await client.update(
                    action.resource, action.obj, action.namespace, subresource=action.subresource
                )
        except status.StatusError as error:
            exists = isinstance(action, Create) and error.reason == "AlreadyExists"
            if not exists and not _namespace_ends(error):
                raise


def _namespace_ends(error: status.StatusError) -> bool:
    """The namespace does not exist any more, or takes no new content."""
    details = error.details or {}
    if error.code == 404:
        return details.get("kind") == "namespaces"
    causes = details.get("causes") or ()
    return error.code == 403 and any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
