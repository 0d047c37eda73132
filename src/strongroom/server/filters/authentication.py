"""Who the client is; 401 for who can't be known."""

from collections.abc import Awaitable
from time import perf_counter

from strongroom.machinery import status
from strongroom.machinery.request_info import UserInfo
from strongroom.server import responses
from strongroom.server.access_counts import EVERY, AccessCounts
from strongroom.server.authentication.authenticator import Chain
from strongroom.server.authentication.verified import NotedUser
from strongroom.server.filters import Handler
from strongroom.server.request import Headers, Request


def with_authentication(inner: Handler, authenticator: Chain, counts: AccessCounts) -> Handler:
    """Counts who is known, and times one attempt of 64. With what authorization counts that costs a GET
    0.9 % of its instructions."""
    untimed, users = authenticator.authenticate, counts.users
    authenticate, wanted, turn = untimed, counts.succeeded, 0

    def timed(headers: Headers, path: str) -> UserInfo | None:
        nonlocal authenticate
        began = perf_counter()
        user = untimed(headers, path)
        attempts = counts.failed if user is None else counts.succeeded
        attempts.timed.observe(perf_counter() - began)
        if attempts is wanted:
            authenticate = untimed
        return user

    async def ask_again(request: Request, moment: Awaitable[None]) -> None:
        began = perf_counter()
        await moment
        user = authenticate(request.headers, request.path)
        attempts = counts.failed if user is None else counts.succeeded
        attempts.waited.observe(perf_counter() - began)
        if user is None:
            await refuse(request)
            return
        counts.first(user.name)
        request.user = user
        _note(request, user)
        await inner(request)

    def refuse(request: Request) -> Awaitable[None]:
        nonlocal authenticate, wanted
        if not counts.failures % EVERY:
            authenticate, wanted = timed, counts.failed
        counts.failures += 1
        return responses.error(request, status.unauthorized())

    def handle(request: Request) -> Awaitable[None]:
        nonlocal authenticate, turn, wanted
        user = authenticate(request.headers, request.path)
        if user is None:
            moment = authenticator.later(request.headers)
            return refuse(request) if moment is None else ask_again(request, moment)
        try:
            users[user.name] += 1
        except KeyError:
            counts.first(user.name)
        turn -= 1
        if turn < 0:
            turn = EVERY - 1
            authenticate, wanted = timed, counts.succeeded
        request.user = user
        if type(user) is not UserInfo:
            _note(request, user)
        return inner(request)

    return handle


def _note(request: Request, user: UserInfo) -> None:
    if isinstance(user, NotedUser) and (annotations := user.annotations()):
        request.annotations = {**request.annotations, **annotations}
