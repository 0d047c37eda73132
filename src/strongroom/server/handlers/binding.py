"""POST of a Binding: a scheduler gives a Pod its node."""

from strongroom.api import decoding
from strongroom.machinery import status
from strongroom.registry.catalog import Catalog
from strongroom.registry.pod_binding import KIND
from strongroom.server import responses
from strongroom.server.handlers import forms, options
from strongroom.server.request import Request

SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def bind(request: Request, catalog: Catalog) -> None:
    """`pods/‹name›/binding`, or `bindings` with the name in the body."""
    info = request.info
    wanted = options.write(request, "CreateOptions")
    form = forms.one(request)
    content_type = request.header(b"content-type")
    decoded = decoding.decode(await request.body(), content_type, KIND, wanted.field_validation)
    request.warnings += decoded.warnings
    binding = decoded.obj
    other = binding["metadata"].get("namespace") or ""
    if other and other != info.namespace:
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    name = info.name or binding["metadata"].get("name") or ""
    await catalog.pod_binding.create(info.namespace, name, binding, dry_run=wanted.dry_run)
    await responses.decoded(request, 201, SUCCESS, form)
