"""Who the client is; 401 for who can't be known."""

from collections.abc import Awaitable

from strongroom.machinery import status
from strongroom.machinery.request_info import UserInfo
from strongroom.server import responses
from strongroom.server.authentication.authenticator import Chain
from strongroom.server.authentication.verified import NotedUser
from strongroom.server.filters import Handler
from strongroom.server.request import Request


def with_authentication(inner: Handler, authenticator: Chain) -> Handler:
    authenticate = authenticator.authenticate

    async def ask_again(request: Request, moment: Awaitable[None]) -> None:
        await moment
        user = authenticate(request.headers, request.path)
        if user is None:
            await _refuse(request)
            return
        request.user = user
        _note(request, user)
        await inner(request)

    def handle(request: Request) -> Awaitable[None]:
        user = authenticate(request.headers, request.path)
        if user is None:
            moment = authenticator.later(request.headers)
            return _refuse(request) if moment is None else ask_again(request, moment)
        request.user = user
        if type(user) is not UserInfo:
            _note(request, user)
        return inner(request)

    return handle


def _note(request: Request, user: UserInfo) -> None:
    if isinstance(user, NotedUser) and (annotations := user.annotations()):
        request.annotations = {**request.annotations, **annotations}


def _refuse(request: Request) -> Awaitable[None]:
    return responses.error(request, status.unauthorized())
