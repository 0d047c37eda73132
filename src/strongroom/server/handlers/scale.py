"""GET of a workload's Scale. Its PUT and PATCH are those of any object."""

from strongroom.registry.scale import ScaleRegistry
from strongroom.server import responses
from strongroom.server.handlers import forms, options
from strongroom.server.request import Request


async def get(request: Request, registry: ScaleRegistry) -> None:
    info = request.info
    document = await registry.read(info.namespace, info.name, options.at_least(request))
    form = forms.one(request)
    if form.kind:
        await forms.send_one(request, 200, registry.strategy, document.obj, form)
    else:
        await responses.encoded(request, 200, document.body, form)
