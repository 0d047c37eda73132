"""Server-side apply of a document to an object, or to none: the new object with its managers."""

from typing import NamedTuple

from strongroom.api import decoding
from strongroom.api.strategy import Strategy
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.patch.apply import applying, last_applied, manager
from strongroom.machinery.patch.apply.conflicts import Conflicts
from strongroom.machinery.patch.apply.errors import TypedError
from strongroom.machinery.patch.apply.field_set import FieldSet
from strongroom.machinery.patch.apply.manager import Managed
from strongroom.machinery.patch.apply.types import Type
from strongroom.registry.managed_fields import Writer

_FIELD = "managedFields"
_STATUS = "status"


class Application(NamedTuple):
    """What is applied, by whom; `force`: take what others own."""

    document: Object
    writer: Writer
    force: bool = False


def apply(strategy: Strategy, kind: Type, live: Object | None, wish: Application, time: str) -> Object:
    """The object that the application makes of `live`, which may be changed. None: there is none yet.

    Raises StatusError: 400 for a document that may not be applied, 409 for conflicts, 500 (as upstream)
    for one that is not of the kind."""
    resource = strategy.resource
    _check(wish.document, resource)
    if live is None:
        live = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": {}}
    try:
        managed = manager.decode(live["metadata"].pop(_FIELD, None) or ())
    except ValueError:
        managed = {}
    document = _part(strategy, wish.document, wish.writer.subresource)
    try:
        done = _apply(live, document, kind, managed, wish, resource.api_version, time)
    except TypedError as error:
        raise _not_of_the_kind(wish.document, resource, str(error)) from None
    except Conflicts as conflicts:
        raise conflicts.to_status() from None
    obj = done.obj
    if wish.writer.name == last_applied.MANAGER:
        obj = last_applied.refresh(obj, wish.document)
    obj, _ = decoding.decode_object(obj, resource)
    if done.managed:
        obj["metadata"][_FIELD] = manager.encode(done.managed)
    return obj


def _apply(
    live: Object,
    document: Object,
    kind: Type,
    managed: Managed,
    wish: Application,
    api_version: str,
    time: str,
) -> applying.Applied:
    by = manager.applier(*wish.writer)

    def attempt(*, force: bool) -> applying.Applied:
        return applying.apply(live, document, kind, managed, by, api_version, time, force=force)

    try:
        return attempt(force=wish.force)
    except Conflicts as conflicts:
        if wish.writer.name != last_applied.MANAGER:
            raise
        mine: FieldSet = last_applied.owned(live, kind)
        left = conflicts.without(mine) if mine else conflicts
        if left is not None:
            raise left from None
        return attempt(force=True)


def _part(strategy: Strategy, document: Object, subresource: str) -> Object:
    """The document without what its path does not write: status is nobody's there, or all else is."""
    if subresource == _STATUS:
        return {key: document[key] for key in document if key in ("kind", "apiVersion", "metadata", _STATUS)}
    if strategy.has_status and _STATUS in document:
        return {key: value for key, value in document.items() if key != _STATUS}
    return document


def _check(document: Object, resource: Resource) -> None:
    version, kind = document.get("apiVersion") or "", document.get("kind") or ""
    if (version, kind) != (resource.api_version, resource.kind):
        shown = version if "/" in str(version) else f"/{version}"
        raise status.bad_request(f"invalid object type: {shown}, Kind={kind}")
    metadata = document.get("metadata")
    if isinstance(metadata, dict) and metadata.get(_FIELD) is not None:
        raise status.bad_request("metadata.managedFields must be nil")


def _not_of_the_kind(document: Object, resource: Resource, why: str) -> status.StatusError:
    metadata = document.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    which = f"{named.get('namespace') or ''}/{named.get('name') or ''}"
    kind = f"{resource.group}/{resource.version}, Kind={document.get('kind') or ''}"
    return status.StatusError(500, "", f"failed to create typed patch object ({which}; {kind}): {why}")
