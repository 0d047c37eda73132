"""GET of one object."""

from strongroom.registry.generic import Registry
from strongroom.server import responses
from strongroom.server.handlers import forms, options
from strongroom.server.negotiation import PLAIN
from strongroom.server.request import Request


async def get(request: Request, registry: Registry) -> None:
    info = request.info
    form = forms.one(request)
    entry = await registry.get(
        info.namespace, info.name, options.at_least(request) if request.query_string else 0
    )
    if form is PLAIN:
        await responses.large(request, 200, entry.body() + b"\n")
    elif form.kind:
        await forms.send_one(request, 200, registry.strategy, entry.decode(), form)
    else:
        await responses.encoded(request, 200, entry.body(), form)
