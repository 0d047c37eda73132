"""What reviews have in common: a body that is read, completed by an answer, and sent back."""

from collections.abc import Awaitable, Callable

from strongroom.api import decoding
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.request_info import UserInfo
from strongroom.server import responses
from strongroom.server.endpoint import Endpoint
from strongroom.server.handlers import forms, options
from strongroom.server.request import Request

Answer = Callable[[Object, Request], Object | Awaitable[Object]]
"""The `status` of a review, now or in a moment. Raises StatusError for what can't be asked."""


def endpoint(resource: Resource, answer: Answer) -> Endpoint:
    async def create(request: Request) -> None:
        wanted = options.write(request, "CreateOptions")
        form = forms.one(request)
        content_type = request.header(b"content-type")
        decoded = decoding.decode(await request.body(), content_type, resource, wanted.field_validation)
        request.warnings += decoded.warnings
        review = decoded.obj
        review.pop("status", None)
        status = answer(review, request)
        review["status"] = status if isinstance(status, dict) else await status
        await responses.decoded(request, 201, review, form)

    return Endpoint(resource, "", {"create": create})


def user_info(user: UserInfo) -> Object:
    """As Kubernetes' UserInfo in JSON."""
    shown: Object = {"username": user.name}
    if user.uid:
        shown["uid"] = user.uid
    if user.groups:
        shown["groups"] = list(user.groups)
    if user.extra:
        shown["extra"] = {key: list(values) for key, values in user.extra.items()}
    return shown
