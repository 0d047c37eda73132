"""Static bearer tokens."""

import hashlib
from collections.abc import Mapping, Sequence

from strongroom.machinery.request_info import UserInfo
from strongroom.server.authentication.tokens import Found, InvalidToken, bearer
from strongroom.server.request import Headers

_PADDING = 16
"""For the scheme and some blanks."""


class TokenAuthenticator:
    """Knows a fixed set of tokens.

    What is kept are their SHA-256 digests, and a token is looked up by its digest: how long that takes tells
    nothing about a token that is not known."""

    def __init__(self, tokens: Mapping[str, UserInfo], audiences: Sequence[str] = ()) -> None:
        """`audiences`: what the tokens are meant for, namely this API."""
        self._audiences = tuple(audiences)
        # What is longer, a JWT say, is not worth a digest.
        self._longest = max(map(len, tokens), default=0) + _PADDING
        self._users = {_digest(b"Bearer " + token.encode()): user for token, user in tokens.items() if token}

    def authenticate(self, headers: Headers, path: str) -> UserInfo | None:
        value = headers.get(b"authorization")
        if value is None or len(value) > self._longest:
            return None
        user = self._users.get(_digest(value))
        if user is not None:
            return user
        token = bearer(headers)
        return self._users.get(_digest(b"Bearer " + token)) if token else None

    def find(self, token: bytes, audiences: Sequence[str]) -> Found | None:
        """As a TokenSource."""
        user = self._users.get(_digest(b"Bearer " + token))
        if user is None:
            return None
        common = tuple(audience for audience in audiences if audience in self._audiences)
        if not common:
            raise InvalidToken("the token is not meant for the asked audiences")
        return Found(user, common)


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
