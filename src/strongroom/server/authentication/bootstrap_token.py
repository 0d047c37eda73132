"""Bootstrap tokens: what machines join with, each as good as the Secret that holds it.

Rules: Kubernetes' "Authenticating with Bootstrap Tokens" and `plugin/pkg/auth/authenticator/token/bootstrap`.
"""

import hmac
from collections.abc import Sequence
from typing import Final

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.api.core.v1 import bootstrap_token
from strongroom.api.core.v1 import secret as secrets
from strongroom.machinery.gvk import Object
from strongroom.machinery.request_info import UserInfo
from strongroom.registry.catalog import Catalog
from strongroom.server.authentication import tokens
from strongroom.server.authentication.tokens import Found, InvalidToken
from strongroom.server.request import Headers

_LENGTH: Final = 23
_NOBODY: Final = "0" * 16
"""Compared with where there is nothing to compare with: as long, and as slow."""


class BootstrapTokens:
    """Authenticator and source of tokens. Nothing is kept: the Secret is looked at for every request, so that
    a token ends with its Secret, its time, or its permission to authenticate."""

    def __init__(self, catalog: Catalog, clock: Clock, audiences: Sequence[str] = ()) -> None:
        """`audiences`: what the tokens are meant for, namely this API."""
        self._secrets = catalog[resources.SECRETS]
        self._clock = clock
        self._audiences = tuple(audiences)

    def authenticate(self, headers: Headers, path: str) -> UserInfo | None:
        if b"authorization" not in headers:
            return None
        return self._holder(tokens.bearer(headers))

    def find(self, token: bytes, audiences: Sequence[str]) -> Found | None:
        user = self._holder(token)
        if user is None:
            return None
        common = tuple(audience for audience in audiences if audience in self._audiences)
        if not common:
            raise InvalidToken("the token is not meant for the asked audiences")
        return Found(user, common)

    def _holder(self, given: bytes) -> UserInfo | None:
        if len(given) != _LENGTH:
            return None
        token = bootstrap_token.parse(given.decode("ascii", "replace"))
        if token is None:
            return None
        secret = self._find(token.id)
        held = bootstrap_token.value(secret, bootstrap_token.SECRET) if secret else _NOBODY
        same = hmac.compare_digest(held.encode(), token.secret.encode())
        if secret is None or not same:
            return None
        if bootstrap_token.value(secret, bootstrap_token.ID) != token.id:
            return None
        if bootstrap_token.value(secret, bootstrap_token.AUTHENTICATION) != "true":
            return None
        if bootstrap_token.has_expired(secret, self._clock.now()):
            return None
        try:
            extra = bootstrap_token.extra_groups(secret)
        except ValueError:
            return None
        groups = (bootstrap_token.GROUP, *extra, "system:authenticated")
        return UserInfo(f"{bootstrap_token.USER_PREFIX}{token.id}", groups=groups)

    def _find(self, token_id: str) -> Object | None:
        entry = self._secrets.find(bootstrap_token.NAMESPACE, f"{bootstrap_token.PREFIX}{token_id}")
        if entry is None or entry.error:
            return None
        secret = entry.decode()
        if secret.get("type") != secrets.BOOTSTRAP_TOKEN or secret["metadata"].get("deletionTimestamp"):
            return None
        return secret
