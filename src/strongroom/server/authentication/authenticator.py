"""The protocol of authenticators, and their chain."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from strongroom.machinery.request_info import UserInfo
from strongroom.server.authentication.tokens import bearer
from strongroom.server.request import Headers


class Authenticator(Protocol):
    def authenticate(self, headers: Headers, path: str) -> UserInfo | None:
        """Who sent a request with these headers (names in lower case); None: not known here. Never raises."""
        ...


class Waiting(Protocol):
    def later(self, token: bytes) -> Awaitable[None] | None:
        """What to wait for, briefly, before asking once more whose this is. None: it would change nothing."""
        ...


class Chain:
    """The first authenticator that knows the sender."""

    def __init__(self, authenticators: Sequence[Authenticator], waiting: Waiting | None = None) -> None:
        """`waiting`: the one of them that may come to know a sender a moment later."""
        self._authenticators = tuple(authenticators)
        self._waiting = waiting

    def later(self, headers: Headers) -> Awaitable[None] | None:
        """As Waiting, for the token in the headers."""
        return self._waiting.later(bearer(headers)) if self._waiting is not None else None

    def authenticate(self, headers: Headers, path: str) -> UserInfo | None:
        for authenticator in self._authenticators:
            user = authenticator.authenticate(headers, path)
            if user is not None:
                return user
        return None
