"""PUT of an object, or of the part that a subresource stands for. Some kinds are created so too."""

from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.registry import encoding
from strongroom.registry.generic import Registry, Rules
from strongroom.registry.secrets import SecretRegistry
from strongroom.server.admission.plugin import UPDATE, Chain
from strongroom.server.handlers import creating, forms, options, plain, writing
from strongroom.server.request import Request


async def update(
    request: Request, registry: Registry, chain: Chain, rules: Rules, creator: creating.Creator
) -> None:
    info = request.info
    wanted = options.write(request, "UpdateOptions")
    form = forms.one(request)
    body = await request.body()
    if isinstance(registry, SecretRegistry) and await plain.update(
        request, registry, chain, wanted, form, body
    ):
        return
    obj = writing.read_object(request, registry, wanted.field_validation, body)
    writing.check_name(obj, info.name, info.namespace)
    writer = options.writer(request, wanted)

    def replace(current: Object) -> Object:
        # A copy each time: the registry changes what it gets, and may have to begin again.
        return encoding.copy(obj)

    for _ in range(creating.TRIES):
        admit = writing.admission(request, registry, chain, UPDATE, dry_run=wanted.dry_run)
        try:
            written = await registry.update(
                info.namespace,
                info.name,
                replace,
                rules=rules,
                writer=writer,
                admit=admit,
                dry_run=wanted.dry_run,
            )
        except status.StatusError as error:
            if error.code != 404 or registry.find(info.namespace, info.name) is not None:
                raise
            if uid := obj["metadata"].get("uid"):
                raise registry.another(info.namespace, info.name, uid, "") from None
            if info.subresource or not registry.strategy.creates_on_update:
                raise
        else:
            await writing.answer(request, registry, 200, written)
            return
        new = encoding.copy(obj)
        new["metadata"].pop("resourceVersion", None)
        created = await creator.create(request, registry, chain, wanted, new, writer)
        if created is not None:
            await writing.answer(request, registry, 201, created)
            return
    raise status.conflict(registry.resource, info.name)
