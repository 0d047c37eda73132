"""The protocol of authenticators, and their chain."""

from collections.abc import Sequence
from typing import Protocol

from strongroom.machinery.request_info import UserInfo
from strongroom.server.request import Headers


class Authenticator(Protocol):
    def authenticate(self, headers: Headers, path: str) -> UserInfo | None:
        """Who sent a request with these headers (names in lower case); None: not known here. Never raises."""
        ...


class Chain:
    """The first authenticator that knows the sender."""

    def __init__(self, authenticators: Sequence[Authenticator]) -> None:
        self._authenticators = tuple(authenticators)

    def authenticate(self, headers: Headers, path: str) -> UserInfo | None:
        for authenticator in self._authenticators:
            user = authenticator.authenticate(headers, path)
            if user is not None:
                return user
        return None
