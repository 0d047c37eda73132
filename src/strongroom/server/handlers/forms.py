"""Objects as clients ask for them: whole, as a Table, or their metadata alone."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from strongroom.api import table
from strongroom.api.strategy import Strategy
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.server import negotiation, responses
from strongroom.server.negotiation import Form
from strongroom.server.request import Request

TABLE, PARTIAL, PARTIAL_LIST = "Table", "PartialObjectMetadata", "PartialObjectMetadataList"


def one(request: Request) -> Form:
    """The form of an answer that is one object. Raises StatusError 406."""
    form = negotiation.choose(request)
    if form.kind == PARTIAL_LIST:
        raise _mismatch(PARTIAL_LIST, "is not a list")
    return form


def many(request: Request) -> Form:
    """The form of an answer that is a list. Raises StatusError 406."""
    form = negotiation.choose(request)
    if form.kind == PARTIAL:
        raise _mismatch(PARTIAL, "is a list")
    return form


def _mismatch(kind: str, what: str) -> status.StatusError:
    return status.StatusError(406, "NotAcceptable", f"you requested {kind}, but the requested object {what}")


def now() -> datetime:
    """The time that ages are told by."""
    return datetime.now(UTC)


def include_object(request: Request) -> str:
    return table.include_object(request.parameter("includeObject"))


def as_one(request: Request, strategy: Strategy, obj: Object, form: Form) -> Object:
    """`obj` in the form's kind."""
    if form.kind == TABLE:
        list_meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        made = table.table(strategy, [obj], now(), include_object(request), list_meta)
    elif form.kind == PARTIAL:
        made = table.partial_metadata(obj)
    else:
        return obj
    return {**made, "apiVersion": form.version}


def as_list(
    request: Request, strategy: Strategy, objects: Sequence[Object], list_meta: Mapping[str, Any], form: Form
) -> Object:
    """`objects` as a list in the form's kind."""
    if form.kind == TABLE:
        made = table.table(strategy, objects, now(), include_object(request), list_meta)
    elif form.kind == PARTIAL_LIST:
        made = table.partial_metadata_list(objects, list_meta)
    else:
        resource = strategy.resource
        items = [
            {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")} for obj in objects
        ]
        return {
            "kind": f"{resource.kind}List",
            "apiVersion": resource.api_version,
            "metadata": dict(list_meta),
            "items": items,
        }
    return {**made, "apiVersion": form.version}


async def send_one(request: Request, code: int, strategy: Strategy, obj: Object, form: Form) -> None:
    """Answer with one object."""
    await responses.decoded(request, code, as_one(request, strategy, obj, form), form)
