"""What a controller decides to do, as values; and the one place that does it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from strongroom.client import requests
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


@dataclass(frozen=True, slots=True)
class Patch:
    """Change fields of an object. A `uid` or `resourceVersion` in the patch's metadata is a condition."""

    resource: Resource
    namespace: str
    name: str
    patch: Object = field(repr=False)
    subresource: str = ""
    content_type: str = requests.MERGE_PATCH


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the object with that uid; one that is gone by now is as good."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    propagation_policy: str = ""
    grace_period_seconds: int | None = None


Action = Create | Update | Patch | Delete


async def perform(client: Client, actions: Iterable[Action]) -> None:
    """Do them in order. Raises StatusError and ConnectionFailed, with the rest left undone.

    The namespace going away meanwhile is no error: there is nothing left to do in it.
    """
    for action in actions:
        try:
            await _do(client, action)
        except status.StatusError as error:
            if not _is_done(action, error) and not namespace_ends(error):
                raise


async def _do(client: Client, action: Action) -> None:
    match action:
        case Create(resource, namespace, obj):
            await client.create(resource, obj, namespace)
        case Update(resource, namespace, obj, subresource):
            await client.update(resource, obj, namespace, subresource=subresource)
        case Patch(resource, namespace, name, patch, subresource, content_type):
            await client.patch(
                resource, name, patch, namespace, subresource=subresource, content_type=content_type
            )
        case Delete(resource, namespace, name, uid, policy, grace):
            await client.delete(
                resource, name, namespace, uid=uid, propagation_policy=policy, grace_period_seconds=grace
            )


def _is_done(action: Action, error: status.StatusError) -> bool:
    """Somebody else was first."""
    if isinstance(action, Create):
        return error.reason == "AlreadyExists"
    # A conflict of a deletion is another object under the name.
    return isinstance(action, Delete) and error.code in (404, 409)


def namespace_ends(error: Exception) -> bool:
    """Whether it says that the namespace does not exist any more, or takes no new content."""
    if not isinstance(error, status.StatusError):
        return False
    details = error.details or {}
    if error.code == 404:
        return details.get("kind") == "namespaces"
    causes = details.get("causes") or ()
    return error.code == 403 and any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
