"""Bearer tokens: where they stand in a request, and what those who know tokens promise."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import orjson
from jwt.utils import base64url_decode

from strongroom.machinery.request_info import UserInfo
from strongroom.server.request import Headers

MAX_BYTES = 16 * 1024
"""A longer token is refused unread; Kubernetes' own are about 1 KiB."""


MAX_HEADER = MAX_BYTES + 64
"""A longer Authorization header is not even looked up."""


class InvalidToken(Exception):
    """A token that must be refused. The text is for who asks by a TokenReview, and holds no token."""


class Found(NamedTuple):
    """Whose a token is. `audiences`: those of the asked ones that it is meant for."""

    user: UserInfo
    audiences: tuple[str, ...]


def issuer(token: bytes) -> object:
    """Whose a JWT says that it is, unverified: who that is not need not look at it. None: it is no JWT."""
    if token.count(b".") != 2:
        return None
    try:
        claims = orjson.loads(base64url_decode(token.split(b".")[1]))
    except (ValueError, RecursionError):
        return None
    return claims.get("iss") if isinstance(claims, dict) else None


class TokenSource(Protocol):
    def find(self, token: bytes, audiences: Sequence[str]) -> Found | None:
        """Who holds `token`, for use at one of `audiences`. None: not a token of this source.

        Raises InvalidToken."""
        ...


class Sources:
    """All sources of tokens, asked in their order."""

    def __init__(self, sources: Sequence[TokenSource]) -> None:
        self._sources = tuple(sources)

    def find(self, token: bytes, audiences: Sequence[str]) -> Found | None:
        """As a TokenSource."""
        if len(token) > MAX_BYTES:
            raise InvalidToken("the token is too long")
        refusals = []
        for source in self._sources:
            try:
                if (found := source.find(token, audiences)) is not None:
                    return found
            except InvalidToken as error:
                refusals.append(str(error))
        if refusals:
            raise InvalidToken(", ".join(refusals))
        return None


def bearer(headers: Headers) -> bytes:
    """The token in `Authorization: Bearer ‹token›`; b"" when there is none that could be one."""
    scheme, _, rest = headers.get(b"authorization", b"").strip(b" ").partition(b" ")
    token = rest.strip(b" ")
    if scheme.lower() != b"bearer" or b" " in token or len(token) > MAX_BYTES:
        return b""
    return token
