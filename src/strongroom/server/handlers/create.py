"""POST of an object to its collection."""

from strongroom.registry.generic import Registry
from strongroom.registry.secrets import SecretRegistry
from strongroom.server.admission.plugin import CREATE, Chain
from strongroom.server.handlers import forms, options, plain, writing
from strongroom.server.request import Request


async def create(request: Request, registry: Registry, chain: Chain) -> None:
    wanted = options.write(request, "CreateOptions")
    form = forms.one(request)
    body = await request.body()
    if isinstance(registry, SecretRegistry) and await plain.create(
        request, registry, chain, wanted, form, body
    ):
        return
    obj = writing.read_object(request, registry, wanted.field_validation, body)
    admit = writing.admission(request, registry, chain, CREATE, dry_run=wanted.dry_run)
    written = await registry.create(
        request.info.namespace,
        obj,
        writer=options.writer(request, wanted),
        admit=admit,
        dry_run=wanted.dry_run,
    )
    await writing.answer(request, registry, 201, written)
