"""POST of an Eviction: the polite way to have a Pod deleted, which `kubectl drain` takes."""

from strongroom.api import decoding, resources
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.registry.catalog import Catalog
from strongroom.registry.options import DeleteOptions
from strongroom.registry.pod_eviction import KIND
from strongroom.server import responses
from strongroom.server.admission.plugin import CREATE, Attributes, Chain
from strongroom.server.handlers import forms, options
from strongroom.server.handlers.binding import SUCCESS
from strongroom.server.request import Request

SUBRESOURCE = "eviction"


async def evict(request: Request, catalog: Catalog, chain: Chain) -> None:
    info = request.info
    wanted = options.write(request, "CreateOptions")
    form = forms.one(request)
    content_type = request.header(b"content-type")
    decoded = decoding.decode(await request.body(), content_type, KIND, wanted.field_validation)
    request.warnings += decoded.warnings
    eviction = decoded.obj
    other = eviction["metadata"].get("namespace") or ""
    if other and other != info.namespace:
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    deletion = _deletion(eviction, dry_run=wanted.dry_run)
    if chain.handles(CREATE, resources.PODS, SUBRESOURCE):
        await chain.admit(
            Attributes(
                CREATE,
                resources.PODS,
                SUBRESOURCE,
                info.namespace,
                info.name,
                request.user,
                eviction,
                None,
                deletion.dry_run,
            )
        )
    await catalog.pod_eviction.create(info.namespace, info.name, eviction, deletion)
    await responses.decoded(request, 201, SUCCESS, form)


def _deletion(eviction: Object, *, dry_run: bool) -> DeleteOptions:
    """The options of the delete. A dry run that either the request or the body asks for is one."""
    given = dict(eviction.get("deleteOptions") or {})
    if dry_run and not given.get("dryRun"):
        given["dryRun"] = ["All"]
    return options.deletion(given)
