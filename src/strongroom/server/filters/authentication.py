"""Who the client is; 401 for who can't be known."""

from strongroom.machinery import status
from strongroom.server import responses
from strongroom.server.authentication.authenticator import Authenticator
from strongroom.server.filters import Handler
from strongroom.server.request import Request


def with_authentication(inner: Handler, authenticator: Authenticator) -> Handler:
    async def handle(request: Request) -> None:
        user = authenticator.authenticate(request.headers, request.path)
        if user is None:
            await responses.error(request, status.unauthorized(), filtered=True)
            return
        request.user = user
        await inner(request)

    return handle
