"""PUT of an object, or of the part that a subresource stands for."""

from strongroom.machinery.gvk import Object
from strongroom.registry import encoding
from strongroom.registry.generic import Registry, Rules
from strongroom.server.admission.plugin import UPDATE, Chain
from strongroom.server.handlers import forms, options, writing
from strongroom.server.request import Request


async def update(request: Request, registry: Registry, chain: Chain, rules: Rules) -> None:
    info = request.info
    wanted = options.write(request, "UpdateOptions")
    forms.one(request)
    obj = await writing.read_object(request, registry, wanted.field_validation)
    writing.check_name(obj, info.name, info.namespace)

    def replace(current: Object) -> Object:
        # A copy each time: the registry changes what it gets, and may have to begin again.
        return encoding.copy(obj)

    admit = writing.admission(request, registry, chain, UPDATE, dry_run=wanted.dry_run)
    written = await registry.update(
        info.namespace,
        info.name,
        replace,
        rules=rules,
        writer=options.writer(request, wanted),
        admit=admit,
        dry_run=wanted.dry_run,
    )
    await writing.answer(request, registry, 200, written)
