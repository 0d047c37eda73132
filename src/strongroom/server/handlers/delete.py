"""DELETE of one object, or of a collection."""

from typing import Any

from strongroom.api import decoding
from strongroom.machinery import status
from strongroom.machinery.gvk import Resource
from strongroom.registry.generic import Deleted, Registry
from strongroom.registry.options import DeleteOptions
from strongroom.server import responses, routing
from strongroom.server.admission.plugin import DELETE, Attributes, Chain
from strongroom.server.handlers import forms, options
from strongroom.server.request import Request

_PRESERVED = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove "
    "them or set propagationPolicy=Orphan to suppress this warning"
)
_NOT_HANDLED = " cannot be handled as a DeleteOptions: "
_DELETE_OPTIONS = Resource("", "v1", "", "DeleteOptions")


async def delete(request: Request, registry: Registry, chain: Chain) -> None:
    info = request.info
    wanted = await _options(request)
    form = forms.one(request)
    await _admit(request, registry, chain, info.name, wanted)
    if (
        registry.strategy.orphans_dependents
        and not wanted.propagation_policy
        and wanted.orphan_dependents is None
    ):
        request.warnings.append(_PRESERVED)
    deleted = await registry.delete(info.namespace, info.name, wanted)
    code = 202 if not deleted.removed and wanted.orphan_dependents is False else 200
    if registry.strategy.returns_deleted or not deleted.removed:
        if form.kind:
            await forms.send_one(request, code, registry.strategy, deleted.document.obj, form)
        else:
            await responses.encoded(request, code, deleted.document.body, form)
        return
    await responses.decoded(request, code, _success(registry, deleted), form)


async def delete_collection(request: Request, registry: Registry, chain: Chain) -> None:
    """Deletes what the selectors match; what others have deleted meanwhile does not matter."""
    wanted = await _options(request)
    selected = options.listing(request, registry)
    form = forms.many(request)
    page = await registry.page(request.info.namespace, selected)
    for entry in page.entries:
        await _admit(request, registry, chain, entry.name, wanted)
        try:
            await registry.delete(entry.namespace, entry.name, wanted)
        except status.StatusError as error:
            if error.code != 404:
                raise
    objects = [entry.decode() for entry in page.entries]
    list_meta = {"resourceVersion": str(page.revision)}
    made = forms.as_list(request, registry.strategy, objects, list_meta, form)
    await responses.decoded(request, 200, made, form)


async def _admit(
    request: Request, registry: Registry, chain: Chain, name: str, wanted: DeleteOptions
) -> None:
    info = request.info
    if not chain.handles(DELETE, registry.resource, ""):
        return
    entry = registry.find(info.namespace, name)
    old = entry.decode() if entry is not None else None
    attributes = Attributes(
        DELETE, registry.resource, "", info.namespace, name, request.user, None, old, wanted.dry_run
    )
    await chain.admit(attributes)


def _success(registry: Registry, deleted: Deleted) -> dict[str, Any]:
    metadata = deleted.document.obj["metadata"]
    details = {"name": metadata["name"]}
    if registry.resource.group:
        details["group"] = registry.resource.group
    details["kind"] = registry.resource.plural
    details["uid"] = metadata["uid"]
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


async def _options(request: Request) -> DeleteOptions:
    """From the body, or from the query if there is none. Raises StatusError 400, 415, 422."""
    body = await request.body()
    if not body:
        return _from_query(request)
    try:
        given = decoding.decode(body, request.header(b"content-type"), _DELETE_OPTIONS).obj
    except decoding.UnreadableBody as error:
        raise status.bad_request(error.why) from None
    except status.StatusError as error:
        # Upstream says here what is wrong with the options, not with whose they are.
        _, named, why = error.message.partition(_NOT_HANDLED)
        raise (status.bad_request(why) if named else error) from None
    return options.deletion(given)


def _from_query(request: Request) -> DeleteOptions:
    if not request.query_string:
        return DeleteOptions()
    orphan = routing.truthy(request, "orphanDependents") if "orphanDependents" in request.query else None
    dry_run = request.query.get("dryRun", [])
    made = DeleteOptions(
        grace_period_seconds=options.integer(request, "gracePeriodSeconds"),
        propagation_policy=request.parameter("propagationPolicy"),
        orphan_dependents=orphan,
        dry_run=bool(dry_run),
    )
    options.check_delete(made, dry_run)
    return made
