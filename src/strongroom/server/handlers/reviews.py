"""What reviews have in common: a body that is read, completed by an answer, and sent back."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from strongroom.aio.clock import Clock
from strongroom.api import decoding
from strongroom.api import reviews as kinds
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.request_info import UserInfo
from strongroom.registry.managed_fields import ManagedFields
from strongroom.server import responses
from strongroom.server.endpoint import Endpoint
from strongroom.server.handlers import forms, options
from strongroom.server.request import Request

Answer = Callable[[Object, Request], Object | Awaitable[Object]]
"""The `status` of a review, now or in a moment. Raises StatusError for what can't be asked."""
Frame = Callable[[Object, datetime], Object]
"""What a review is sent back as, before its `status`."""


def same(review: Object, now: datetime) -> Object:
    """As it was asked."""
    return review


def bare(review: Object, now: datetime) -> Object:
    """Nothing of what was asked."""
    return {**_head(review), "metadata": {}, "spec": {}}


def dated(review: Object, now: datetime) -> Object:
    """When, and nothing of what was asked."""
    return {**_head(review), "metadata": {"creationTimestamp": duration.timestamp(now)}}


def _head(review: Object) -> Object:
    return {"kind": review["kind"], "apiVersion": review["apiVersion"]}


def endpoint(resource: Resource, answer: Answer, clock: Clock, frame: Frame = same) -> Endpoint:
    managed_fields = ManagedFields(kinds.described(resource))

    async def create(request: Request) -> None:
        wanted = options.write(request, "CreateOptions")
        form = forms.one(request)
        content_type = request.header(b"content-type")
        decoded = decoding.decode(await request.body(), content_type, resource, wanted.field_validation)
        request.warnings += decoded.warnings
        review, now = decoded.obj, clock.now()
        if not resource.namespaced:
            review["metadata"].pop("namespace", None)
        managed_fields.asked(review, options.writer(request, wanted), duration.timestamp(now))
        review.pop("status", None)
        status = answer(review, request)
        shown = frame(review, now)
        shown["status"] = status if isinstance(status, dict) else await status
        await responses.decoded(request, 201, shown, form)

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
