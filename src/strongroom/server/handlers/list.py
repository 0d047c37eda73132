"""GET of a collection."""

import orjson

from strongroom.registry.generic import Registry
from strongroom.registry.listing import Page
from strongroom.server import responses
from strongroom.server.handlers import forms, options
from strongroom.server.request import Request


async def list_objects(request: Request, registry: Registry) -> None:
    wanted = options.listing(request, registry)
    form = forms.many(request)
    page = await registry.page(request.info.namespace, wanted)
    if form.plain:
        await responses.large(request, 200, encode(registry, page))
        return
    objects = [entry.decode() for entry in page.entries]
    made = forms.as_list(request, registry.strategy, objects, list_meta(page), form)
    await responses.decoded(request, 200, made, form)


def list_meta(page: Page) -> dict[str, str | int]:
    """The list's `metadata`."""
    found: dict[str, str | int] = {"resourceVersion": str(page.revision)}
    if page.continue_token:
        found["continue"] = page.continue_token
        if page.remaining is not None:
            found["remainingItemCount"] = page.remaining
    return found


def encode(registry: Registry, page: Page) -> bytes:
    """The list of the entries' encodings as they are."""
    resource = registry.resource
    head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": list_meta(page)}
    items = [entry.item for entry in page.entries]
    start, end = orjson.dumps(head)[:-1] + b',"items":[', b"]}\n"
    if not items:
        return start + end
    # One copy of what may be many megabytes: the brackets go onto the first and the last item.
    items[0] = start + items[0]
    items[-1] += end
    return b",".join(items)
