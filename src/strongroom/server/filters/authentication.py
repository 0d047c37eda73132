"""Who the client is; 401 for who can't be known."""

from collections.abc import Awaitable

from strongroom.machinery import status
from strongroom.server import responses
from strongroom.server.authentication.authenticator import Authenticator
from strongroom.server.filters import Handler
from strongroom.server.request import Request


def with_authentication(inner: Handler, authenticator: Authenticator) -> Handler:
    authenticate = authenticator.authenticate

    def handle(request: Request) -> Awaitable[None]:
        user = authenticate(request.headers, request.path)
        if user is None:
            return responses.error(request, status.unauthorized(), filtered=True)
        request.user = user
        return inner(request)

    return handle
