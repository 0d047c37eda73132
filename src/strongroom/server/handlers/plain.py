"""POST and PUT of plain Secrets: the short way. What is not plain goes the general one."""

from typing import Final

from strongroom.api.core.v1 import plain_secret
from strongroom.api.core.v1.plain_secret import PlainSecret
from strongroom.registry.secrets import SecretRegistry
from strongroom.server import responses
from strongroom.server.admission.plugin import CREATE, UPDATE, Chain
from strongroom.server.handlers import options
from strongroom.server.negotiation import Form
from strongroom.server.request import Request

_JSON: Final = b"application/json"


async def create(request: Request, registry: SecretRegistry, chain: Chain, form: Form, body: bytes) -> bool:
    """Whether the request is answered. Raises StatusError."""
    secret = _read(request, form, body)
    if secret is None:
        return False
    namespace = request.info.namespace
    written = await registry.create_plain(
        namespace, secret, _writer(request), lambda: chain.passes(CREATE, registry.resource, namespace)
    )
    return await _answer(request, 201, secret, written)


async def update(request: Request, registry: SecretRegistry, chain: Chain, form: Form, body: bytes) -> bool:
    """Whether the request is answered. Raises StatusError."""
    secret = _read(request, form, body)
    info = request.info
    if secret is None or secret.name != info.name or chain.handles(UPDATE, registry.resource, ""):
        return False
    written = await registry.update_plain(info.namespace, secret, _writer(request))
    return await _answer(request, 200, secret, written)


def _read(request: Request, form: Form, body: bytes) -> PlainSecret | None:
    if request.query_string or not form.plain or request.headers.get(b"content-type") != _JSON:
        return None
    return plain_secret.read(body, request.info.namespace)


def _writer(request: Request) -> str:
    return options.program(request.headers.get(b"user-agent", b""))


async def _answer(request: Request, code: int, secret: PlainSecret, written: bytes | None) -> bool:
    if written is None:
        return False
    request.object_name = secret.name
    await responses.send(request, code, written + b"\n")
    return True
