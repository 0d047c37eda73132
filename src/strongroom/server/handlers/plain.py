"""POST and PUT of plain Secrets: the short way. What is not plain goes the general one."""

from typing import Final

from strongroom.api import decoding
from strongroom.api.core.v1 import plain_secret
from strongroom.api.core.v1.plain_secret import PlainSecret
from strongroom.registry.secrets import SecretRegistry
from strongroom.server import responses
from strongroom.server.admission.plugin import CREATE, UPDATE, Chain
from strongroom.server.handlers import options
from strongroom.server.handlers.options import WriteOptions
from strongroom.server.negotiation import Form
from strongroom.server.request import Request

_JSON: Final = decoding.JSON.encode()
_PROTOBUF: Final = decoding.PROTOBUF.encode()


async def create(
    request: Request, registry: SecretRegistry, chain: Chain, wanted: WriteOptions, form: Form, body: bytes
) -> bool:
    """Whether the request is answered. Raises StatusError."""
    secret = _read(request, wanted, form, body)
    if secret is None:
        return False
    namespace, writer = request.info.namespace, options.writer(request, wanted).name
    written = await registry.create_plain(
        namespace, secret, writer, lambda: chain.passes(CREATE, registry.resource, namespace)
    )
    return await _answer(request, 201, secret, written)


async def update(
    request: Request, registry: SecretRegistry, chain: Chain, wanted: WriteOptions, form: Form, body: bytes
) -> bool:
    """Whether the request is answered. Raises StatusError."""
    secret = _read(request, wanted, form, body)
    info = request.info
    if secret is None or secret.name != info.name or chain.handles(UPDATE, registry.resource, ""):
        return False
    written = await registry.update_plain(info.namespace, secret, options.writer(request, wanted).name)
    return await _answer(request, 200, secret, written)


def _read(request: Request, wanted: WriteOptions, form: Form, body: bytes) -> PlainSecret | None:
    """None: it goes the general way."""
    if wanted.dry_run or not form.plain:
        return None
    content_type = request.headers.get(b"content-type")
    if content_type == _JSON:
        return plain_secret.read(body, request.info.namespace)
    if content_type == _PROTOBUF:
        return plain_secret.read_protobuf(body, request.info.namespace)
    return None


async def _answer(request: Request, code: int, secret: PlainSecret, written: bytes | None) -> bool:
    if written is None:
        return False
    request.object_name = secret.name
    await responses.send(request, code, written + b"\n")
    return True
