"""ID tokens as bearer tokens: signature, issuer, audience, times, then what their claims say.

Rules: Kubernetes documentation, "OpenID Connect Tokens". An issuer that does not answer makes its own tokens
unknown, and is waited for by them alone.
"""

import hashlib
from collections.abc import Awaitable, Sequence
from typing import Any, Final, NamedTuple

import jwt
import orjson
from jwt.api_jws import PyJWS

from strongroom.aio import tasks
from strongroom.aio.clock import Clock
from strongroom.machinery.request_info import UserInfo
from strongroom.server.authentication import tokens
from strongroom.server.authentication.oidc import claims as claim_rules
from strongroom.server.authentication.oidc import discovery
from strongroom.server.authentication.oidc.config import ALGORITHMS, JWTAuthenticator
from strongroom.server.authentication.oidc.key_set import Fetch, KeySet
from strongroom.server.authentication.tokens import Found, InvalidToken
from strongroom.server.authentication.verified import CACHE_SIZE, Live, Verified
from strongroom.server.request import Headers

_TRIES: Final = 2
"""Keys of one id that a signature is checked with."""
_DAMAGED: Final = (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class _Issuer(NamedTuple):
    rules: JWTAuthenticator
    keys: KeySet


class _Unread(NamedTuple):
    """A token's header, and whose it says to be: unverified."""

    issuer: _Issuer
    key_id: str
    algorithm: str


class OIDCTokens:
    """Authenticator and source of tokens, for any number of issuers. `start` has their keys fetched."""

    def __init__(
        self,
        authenticators: Sequence[JWTAuthenticator],
        clock: Clock,
        audiences: Sequence[str] = (),
        fetch: Fetch = discovery.fetch,
    ) -> None:
        """`audiences`: names of this API, which is what ID tokens of these issuers are good for."""
        self._audiences = tuple(audiences)
        self._clock = clock
        self._fetch = fetch
        self._jws = PyJWS(algorithms=list(ALGORITHMS))
        self._verified: dict[bytes, Verified] = {}
        self._issuers = self._made(authenticators)
        self._tasks: tasks.TaskGroup | None = None

    def start(self) -> None:
        """Begin to fetch keys. Returns at once, whether an issuer answers or not."""
        self._tasks = tasks.TaskGroup("oidc", describe_errors=False)
        for issuer in self._issuers.values():
            self._tasks.spawn("keys", issuer.keys.run())

    async def close(self) -> None:
        if self._tasks is not None:
            await self._tasks.aclose()

    async def replace(self, authenticators: Sequence[JWTAuthenticator]) -> None:
        """Believe these from now on, and no others: also for tokens that were taken a moment before."""
        await self.close()
        self._verified.clear()
        self._issuers = self._made(authenticators)
        self.start()

    def authenticate(self, headers: Headers, path: str) -> UserInfo | None:
        value = headers.get(b"authorization")
        if value is None or len(value) > tokens.MAX_HEADER or not self._issuers:
            return None
        digest = hashlib.sha256(value).digest()
        now = self._clock.now().timestamp()
        known = self._verified.get(digest)
        if known is not None:
            if known.holds(now):
                return known.user
            del self._verified[digest]
        token = tokens.bearer(headers)
        try:
            unread = self._unread(token)
            if unread is None:
                return None
            verified = self._verify(token, unread, now)
        except InvalidToken:
            return None
        if len(self._verified) >= CACHE_SIZE:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = verified
        return verified.user

    def later(self, token: bytes) -> Awaitable[None] | None:
        """For a token that was not known: what to wait for before asking again, if that may change it.

        It may when the token is of one of the issuers and names a key that has not been seen yet."""
        if not self._issuers:
            return None
        unread = self._unread(token)
        if unread is None or unread.algorithm not in unread.issuer.rules.algorithms:
            return None
        keys = unread.issuer.keys
        if keys.ready and (not unread.key_id or unread.key_id in keys.keys):
            return None
        return keys.refreshed()

    def find(self, token: bytes, audiences: Sequence[str]) -> Found | None:
        """As a TokenSource."""
        unread = self._unread(token)
        if unread is None:
            return None
        verified = self._verify(token, unread, self._clock.now().timestamp())
        common = tuple(audience for audience in audiences if audience in self._audiences)
        if not common:
            raise InvalidToken("the token is not meant for the asked audiences")
        return Found(verified.user, common)

    def _made(self, authenticators: Sequence[JWTAuthenticator]) -> dict[str, _Issuer]:
        return {each.url: _Issuer(each, KeySet(each, self._clock, self._fetch)) for each in authenticators}

    def _unread(self, token: bytes) -> _Unread | None:
        """None: not a token of these issuers, as far as it says itself."""
        said = tokens.issuer(token)
        issuer = self._issuers.get(said) if isinstance(said, str) else None
        if issuer is None:
            return None
        try:
            header = jwt.get_unverified_header(token)
        except _DAMAGED:
            return None
        return _Unread(issuer, str(header.get("kid") or ""), str(header.get("alg")))

    def _verify(self, token: bytes, unread: _Unread, now: float) -> Verified:
        """Raises InvalidToken."""
        rules, keys = unread.issuer
        if unread.algorithm not in rules.algorithms:
            raise InvalidToken("oidc: verify token: oidc: id token signed with unsupported algorithm")
        if not keys.ready:
            raise InvalidToken("oidc: authenticator not initialized")
        name, candidates = keys.candidates(unread.key_id, unread.algorithm)
        for key in candidates[:_TRIES]:
            try:
                said = orjson.loads(self._jws.decode(token, key, algorithms=[unread.algorithm]))
            except _DAMAGED:
                continue
            return self._judged(said, rules, Live(keys.keys, name, keys.keys[name]), now)
        raise InvalidToken(
            "oidc: verify token: failed to verify signature: failed to verify id token signature"
        )

    def _judged(self, said: Any, rules: JWTAuthenticator, signer: Live, now: float) -> Verified:
        """Raises InvalidToken."""
        if not isinstance(said, dict) or said.get("iss") != rules.url:
            raise InvalidToken("oidc: verify token: oidc: id token issued by a different provider")
        until = claim_rules.check(said, rules, now)
        return Verified(claim_rules.user(said, rules), self._audiences, until, (signer,))
