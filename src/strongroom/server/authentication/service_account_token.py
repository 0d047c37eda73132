"""Tokens of service accounts: signature, issuer, audience, times, and that what they are bound to lives.

Rules and texts: Kubernetes' "Managing Service Accounts" and `pkg/serviceaccount/claims.go`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.request_info import UserInfo
from strongroom.registry.catalog import Catalog
from strongroom.server.authentication import legacy_token, tokens
from strongroom.server.authentication.tokens import Found, InvalidToken
from strongroom.server.authentication.verified import CACHE_SIZE, Live, NotedUser, Verified
from strongroom.server.request import Headers
from strongroom.server.service_accounts import claims as claim_names
from strongroom.server.service_accounts import legacy
from strongroom.server.service_accounts.claims import Reference, Subject
from strongroom.server.service_accounts.keys import BadSignature
from strongroom.server.service_accounts.last_use import LastUse
from strongroom.server.service_accounts.settings import TokenSettings

CLOCKS_APART: Final = 60
"""Seconds by which the clocks of servers that share a key may differ: for the beginning, never the end."""
DELETION_LEEWAY: Final = 60
"""Seconds that a token outlives the start of its object's deletion: a Pod says goodbye with it."""

_EXTRA: Final = "authentication.kubernetes.io/"
_LEGACY: Final = "authentication.k8s.io/legacy-token"
_STALE: Final = "authentication.k8s.io/stale-token"


class ServiceAccountTokens:
    """Authenticator and source of tokens. What was verified is kept by the token's digest.

    A kept verification is used only while every object it rests on is unchanged, so deleting the account, the
    Pod or the Secret, or dropping the key that signed, refuses the next request."""

    def __init__(
        self, settings: TokenSettings, catalog: Catalog, clock: Clock, last_use: LastUse | None = None
    ) -> None:
        """`last_use`: is told of each use of a token that lives in a Secret, once a day at least."""
        self._last_use = last_use
        self._settings = settings
        self._catalog = catalog
        self._clock = clock
        self._issuers = (settings.issuer, *settings.other_issuers, legacy.ISSUER)
        self._verified: dict[bytes, Verified] = {}

    def authenticate(self, headers: Headers, path: str) -> UserInfo | None:
        value = headers.get(b"authorization")
        if value is None or len(value) > tokens.MAX_HEADER:
            return None
        digest = hashlib.sha256(value).digest()
        now = self._clock.now().timestamp()
        known = self._verified.get(digest)
        if known is not None:
            if known.holds(now):
                return known.user
            del self._verified[digest]
        token = tokens.bearer(headers)
        if tokens.issuer(token) not in self._issuers:
            return None
        try:
            verified = self._verify(token, now, self._settings.api_audiences)
        except InvalidToken:
            return None
        if len(self._verified) >= CACHE_SIZE:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = verified
        return verified.user

    def find(self, token: bytes, audiences: Sequence[str]) -> Found | None:
        if tokens.issuer(token) not in self._issuers:
            return None
        verified = self._verify(token, self._clock.now().timestamp(), audiences)
        return Found(verified.user, verified.audiences)

    def _verify(self, token: bytes, now: float, audiences: Sequence[str]) -> Verified:
        """Raises InvalidToken."""
        try:
            claims, key_id = self._settings.keys.verify(token)
            public = self._settings.keys.public
            signer = Live(public, key_id, public[key_id])
            if claims.get("iss") == legacy.ISSUER:
                return self._legacy(token, claims, audiences, signer)
            meant = _audiences(claims, audiences)
            expires = _check_times(claims, now)
            subject = claim_names.subject_of(claims)
        except (BadSignature, claim_names.MalformedClaims) as error:
            raise InvalidToken(str(error)) from None
        pins, until = self._bound(subject, now)
        user = _user(subject, str(claims.get("jti", "")))
        if stale_from := claim_names.warn_after(claims):
            user = _noted(user, lambda: self._staleness(user.name, stale_from))
        return Verified(user, meant, min(expires, until), (*pins, signer))

    def _legacy(self, token: bytes, claims: dict[str, Any], asked: Sequence[str], signer: Live) -> Verified:
        """Raises InvalidToken and MalformedClaims."""
        now = self._clock.now()
        meant = _audiences({"aud": list(self._settings.api_audiences)}, asked)
        holder = legacy_token.check(self._catalog, token, claims, now)
        subject = holder.subject
        pins = tuple(
            Live(registry.rows, registry.resource.key(subject.namespace, name), entry)
            for registry, name, entry in (
                (self._catalog[resources.SECRETS], subject.secret, holder.secret_entry),
                (self._catalog[resources.SERVICE_ACCOUNTS], subject.account, holder.account_entry),
            )
        )
        if self._last_use is not None:
            self._last_use.note(subject.namespace, holder.secret)
        bound = Subject(subject.namespace, Reference(subject.account, subject.account_uid))
        ends = [_ends(each["metadata"]) for each in (holder.secret, holder.account)]
        user = _user(bound, "")
        user = _noted(user, lambda: {_LEGACY: user.name})
        return Verified(user, meant, min(legacy_token.day_ends(now), *ends), (*pins, signer))

    def _staleness(self, name: str, stale_from: float) -> Mapping[str, str]:
        past = int(self._clock.now().timestamp() - stale_from)
        if past <= 0:
            return {}
        return {_STALE: f"subject: {name}, seconds after warning threshold: {past}"}

    def _bound(self, subject: Subject, now: float) -> tuple[tuple[Live, ...], float]:
        """The objects that the token stands and falls with, and until when at most. Raises InvalidToken."""
        namespace, account = subject.namespace, subject.account
        pins: list[Live] = []
        until = float("inf")
        for resource, reference in (
            (resources.SECRETS, subject.secret),
            (resources.PODS, subject.pod),
            (resources.NODES, subject.node if subject.pod is None else None),
        ):
            if reference is None:
                continue
            pin, end = self._pin(resource, namespace, reference, now)
            pins.append(pin)
            until = min(until, end)
        registry = self._catalog[resources.SERVICE_ACCOUNTS]
        entry = registry.find(namespace, account.name)
        metadata = entry.decode()["metadata"] if entry is not None and not entry.error else {}
        end = _ends(metadata)
        if entry is None or now >= end:
            raise InvalidToken(f"service account {namespace}/{account.name} has been deleted")
        if metadata["uid"] != account.uid:
            raise InvalidToken(
                f"service account UID ({metadata['uid']}) does not match claim ({account.uid})"
            )
        pins.append(Live(registry.rows, registry.resource.key(namespace, account.name), entry))
        return tuple(pins), min(until, end)

    def _pin(
        self, resource: Resource, namespace: str, reference: Reference, now: float
    ) -> tuple[Live, float]:
        """Raises InvalidToken."""
        registry = self._catalog[resource]
        entry = registry.find(namespace, reference.name)
        metadata = entry.decode()["metadata"] if entry is not None and not entry.error else {}
        end = _ends(metadata)
        if entry is None or now >= end:
            raise InvalidToken("service account token has been invalidated")
        uid = metadata["uid"]
        if uid != reference.uid:
            kind = resource.kind.lower()
            raise InvalidToken(
                f"{kind} UID ({uid}) does not match service account {kind} ref claim ({reference.uid})"
            )
        return Live(registry.rows, registry.resource.key(namespace, reference.name), entry), end


def _ends(metadata: Object) -> float:
    """Until when tokens of an object are taken: for a while after its deletion began. 0: it is not there."""
    if not metadata:
        return 0.0
    begun = metadata.get("deletionTimestamp")
    if not begun:
        return float("inf")
    return datetime.fromisoformat(begun).timestamp() + DELETION_LEEWAY


def _audiences(claims: dict[str, Any], asked: Sequence[str]) -> tuple[str, ...]:
    said = claims.get("aud")
    meant = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    common = tuple(audience for audience in asked if audience in meant)
    if not common:
        shown = " ".join(f'"{audience}"' for audience in meant), " ".join(f'"{each}"' for each in asked)
        raise InvalidToken(f"token audiences [{shown[0]}] is invalid for the target audiences [{shown[1]}]")
    return common


def _check_times(claims: dict[str, Any], now: float) -> float:
    """When the token expires."""
    expires, begins, issued = (_seconds(claims, name) for name in ("exp", "nbf", "iat"))
    if now >= expires:
        raise InvalidToken("service account token has expired")
    if now + CLOCKS_APART < begins:
        raise InvalidToken("service account token is not valid yet")
    if now + CLOCKS_APART < issued:
        raise InvalidToken("service account token is issued in the future")
    return expires


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"service account token lacks {name}")
    return float(value)


def _noted(user: UserInfo, annotations: Callable[[], Mapping[str, str]]) -> NotedUser:
    return NotedUser(user.name, user.uid, user.groups, user.extra, annotations=annotations)


def _user(subject: Subject, token_id: str) -> UserInfo:
    extra: dict[str, tuple[str, ...]] = {}
    if token_id:
        extra[f"{_EXTRA}credential-id"] = (f"JTI={token_id}",)
    for kind, reference in (("pod", subject.pod), ("node", subject.node)):
        if reference is not None:
            extra[f"{_EXTRA}{kind}-name"] = (reference.name,)
            extra[f"{_EXTRA}{kind}-uid"] = (reference.uid,)
    groups = (
        "system:serviceaccounts",
        f"system:serviceaccounts:{subject.namespace}",
        "system:authenticated",
    )
    return UserInfo(subject.name, subject.account.uid, groups, extra)
