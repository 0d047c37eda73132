"""What create, update and patch have in common: the body's object, admission, the answer."""

from strongroom.api import decoding
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.registry.generic import Admit, Registry, Written
from strongroom.server import responses
from strongroom.server.admission.plugin import Attributes, Chain
from strongroom.server.handlers import forms
from strongroom.server.request import Request


def read_object(request: Request, registry: Registry, field_validation: str, body: bytes) -> Object:
    """The object in the body; what field validation finds is noted as warnings. Raises StatusError."""
    content_type = request.header(b"content-type")
    decoded = decoding.decode(body, content_type, registry.resource, field_validation)
    request.warnings += decoded.warnings
    request.object_name = decoded.obj["metadata"].get("name") or ""
    return decoded.obj


def check_name(obj: Object, name: str, namespace: str) -> None:
    """An object that is written to a URL is the one that the URL names. Raises StatusError 400."""
    metadata = obj["metadata"]
    given = metadata.get("name") or ""
    if not given:
        raise status.bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    if given != name:
        raise status.bad_request(
            f"the name of the object ({given}) does not match the name on the URL ({name})"
        )
    other = metadata.get("namespace") or ""
    if namespace and other and other != namespace:
        raise status.bad_request(
            f"the namespace of the object ({other}) does not match the namespace on the request ({namespace})"
        )


def admission(
    request: Request, registry: Registry, chain: Chain, operation: str, *, dry_run: bool
) -> Admit | None:
    """The registry's callback into admission; None when no plugin is concerned."""
    info = request.info
    if not chain.handles(operation, registry.resource, info.subresource):
        return None

    async def admit(new: Object, old: Object | None) -> None:
        name = new["metadata"].get("name") or info.name
        asked = Attributes(
            operation,
            registry.resource,
            info.subresource,
            info.namespace,
            name,
            request.user,
            new,
            old,
            dry_run,
        )
        try:
            await chain.admit(asked)
        finally:
            if asked.annotations:
                request.annotations = {**request.annotations, **asked.annotations}
            if asked.warnings:
                request.warnings += asked.warnings

    return admit


async def answer(request: Request, registry: Registry, code: int, written: Written) -> None:
    """The object as it was written."""
    request.warnings += written.warnings
    request.object_name = written.document.obj["metadata"].get("name") or ""
    form = forms.one(request)
    if form.kind:
        await forms.send_one(request, code, registry.strategy, written.document.obj, form)
    else:
        await responses.encoded(request, code, written.document.body, form)
