"""What an ID token's claims make its sender. Pure.

Rules and texts: Kubernetes documentation, "OpenID Connect Tokens";
`apiserver/plugin/pkg/authenticator/token/oidc`.
"""

from collections.abc import Mapping
from typing import Any, Final

from strongroom.machinery.request_info import UserInfo
from strongroom.server.authentication.oidc.config import JWTAuthenticator, PrefixedClaim
from strongroom.server.authentication.tokens import InvalidToken

AUTHENTICATED: Final = "system:authenticated"
CLOCKS_APART: Final = 5 * 60
"""Seconds by which the issuer's clock may be ahead: for the beginning of a token, never for its end."""


def check(claims: Mapping[str, Any], authenticator: JWTAuthenticator, now: float) -> float:
    """Until when a token is good (Unix seconds), judged by its times and audience. Raises InvalidToken."""
    expires = _seconds(claims, "exp")
    if expires is None or now >= expires:
        raise InvalidToken("oidc: verify token: oidc: token is expired")
    begins = _seconds(claims, "nbf")
    if begins is not None and now + CLOCKS_APART < begins:
        raise InvalidToken("oidc: verify token: oidc: current time is before the nbf (not before) time")
    said = claims.get("aud")
    meant = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    if not any(audience in meant for audience in authenticator.audiences):
        wanted = " ".join(f'"{audience}"' for audience in sorted(authenticator.audiences))
        raise InvalidToken(f"oidc: verify token: oidc: expected audience in [{wanted}]")
    return expires


def user(claims: Mapping[str, Any], authenticator: JWTAuthenticator) -> UserInfo:
    """Whom the token speaks for. Raises InvalidToken."""
    for claim, value in authenticator.required.items():
        if claim not in claims:
            raise InvalidToken(f"oidc: required claim {claim} not present in ID token")
        if claims[claim] != value:
            raise InvalidToken(f"oidc: required claim {claim} value does not match")
    name = _username(claims, authenticator.username)
    groups = _groups(claims, authenticator.groups) if authenticator.groups is not None else ()
    uid = _text(claims, authenticator.uid, "uid claim") if authenticator.uid else ""
    return UserInfo(name, uid, tuple(dict.fromkeys((*groups, AUTHENTICATED))))


def _username(claims: Mapping[str, Any], mapping: PrefixedClaim) -> str:
    name = _text(claims, mapping.claim, "username claims")
    if mapping.claim == "email" and claims.get("email_verified", True) is not True:
        raise InvalidToken("oidc: email not verified")
    return mapping.prefix + name


def _groups(claims: Mapping[str, Any], mapping: PrefixedClaim) -> tuple[str, ...]:
    elsewhere = claims.get("_claim_names")
    if mapping.claim not in claims and isinstance(elsewhere, dict) and mapping.claim in elsewhere:
        raise InvalidToken("oidc: could not expand distributed claims: they are not supported")
    found = claims.get(mapping.claim)
    if found is None:
        return ()
    groups = [found] if isinstance(found, str) else found
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise InvalidToken(
            f'oidc: parse groups claim "{mapping.claim}": neither a string nor a list of strings'
        )
    return tuple(mapping.prefix + group for group in groups if group)


def _text(claims: Mapping[str, Any], claim: str, what: str) -> str:
    if claim not in claims:
        raise InvalidToken(f'oidc: parse {what} "{claim}": claim not present')
    value = claims[claim]
    if not isinstance(value, str) or not value:
        raise InvalidToken(f'oidc: parse {what} "{claim}": not a string that says something')
    return value


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"oidc: verify token: {name} is no time")
    return float(value)
