"""TokenReview and SelfSubjectReview: whose a token is, and who I am."""

from collections.abc import Awaitable, Sequence

from strongroom.aio.clock import Clock
from strongroom.api import reviews as kinds
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.server.authentication.authenticator import Waiting
from strongroom.server.authentication.tokens import InvalidToken, Sources
from strongroom.server.endpoint import Endpoint
from strongroom.server.handlers import reviews
from strongroom.server.request import Request


def endpoints(
    sources: Sources, api_audiences: Sequence[str], waiting: Waiting, clock: Clock
) -> list[Endpoint]:
    """`waiting`: the source that may come to know a token a moment later."""

    def review_token(review: Object, request: Request) -> Object | Awaitable[Object]:
        status = _review_token(review, sources, api_audiences)
        if status.get("authenticated"):
            return status
        moment = waiting.later(review["spec"]["token"].encode())
        return status if moment is None else again(review, moment)

    async def again(review: Object, moment: Awaitable[None]) -> Object:
        await moment
        return _review_token(review, sources, api_audiences)

    return [
        reviews.endpoint(kinds.TOKEN_REVIEWS, review_token, clock),
        reviews.endpoint(kinds.SELF_SUBJECT_REVIEWS, _self, clock, reviews.dated),
    ]


def _review_token(review: Object, sources: Sources, api_audiences: Sequence[str]) -> Object:
    spec = review.get("spec") or {}
    token = spec.get("token") or ""
    if not token:
        raise status.bad_request("token is required for TokenReview in authentication")
    try:
        found = sources.find(token.encode(), spec.get("audiences") or api_audiences)
    except InvalidToken as error:
        return {"user": {}, "error": f"[invalid bearer token, {error}]"}
    if found is None:
        return {"user": {}, "error": "invalid bearer token"}
    return {
        "authenticated": True,
        "user": reviews.user_info(found.user),
        "audiences": list(found.audiences),
    }


def _self(review: Object, request: Request) -> Object:
    return {"userInfo": reviews.user_info(request.user)}
