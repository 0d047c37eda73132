"""The flags of ServiceAccount tokens, with kube-apiserver's names: who issues them, for whom and how long."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import click

from strongroom.cmd.flags import flag

MAX_SECONDS: Final = 1 << 32
_HOUR: Final = 3600
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")

FLAGS = (
    flag(
        "--service-account-issuer",
        multiple=True,
        metavar="URL",
        help="Whose ServiceAccount tokens say that they are. May be repeated: the first issues, all are "
        "taken.  [default: https://kubernetes.default.svc.cluster.local]",
    ),
    flag(
        "--service-account-jwks-uri",
        metavar="URL",
        help="Where others find the keys that verify them.  [default: this server's /openid/v1/jwks]",
    ),
    flag(
        "--api-audiences",
        metavar="NAME,...",
        help="Whom tokens for this API must be meant for.  [default: the issuer]",
    ),
    flag(
        "--service-account-max-token-expiration",
        metavar="DURATION",
        help="Longer requests are shortened to this, such as 24h; an hour at least.  [default: no limit]",
    ),
    flag(
        "--service-account-extend-token-expiration",
        type=bool,
        default=True,
        show_default=True,
        metavar="BOOL",
        help="Let the tokens of Pods live a year, for clients that read theirs once; they end with the Pod.",
    ),
)


class TokenOptionError(click.UsageError):
    """A flag can't be used."""


@dataclass(frozen=True, slots=True)
class TokenOptions:
    """`issuers`: the first one issues, none given: the default. `max_seconds` 0: no limit."""

    issuers: tuple[str, ...] = ()
    jwks_uri: str = ""
    audiences: tuple[str, ...] = ()
    max_seconds: int = 0
    extend: bool = True


def resolve(
    *,
    service_account_issuer: Sequence[str] = (),
    service_account_jwks_uri: str | None = None,
    api_audiences: str | None = None,
    service_account_max_token_expiration: str | None = None,
    service_account_extend_token_expiration: bool = True,
) -> TokenOptions:
    """What the flags say. Raises TokenOptionError."""
    issuers = tuple(dict.fromkeys(service_account_issuer))
    for issuer in issuers:
        _check_url("--service-account-issuer", issuer)
    if service_account_jwks_uri:
        _check_url("--service-account-jwks-uri", service_account_jwks_uri)
    audiences = tuple(
        dict.fromkeys(each.strip() for each in (api_audiences or "").split(",") if each.strip())
    )
    longest = service_account_max_token_expiration
    seconds = _seconds(longest) if longest else 0
    if longest and not _HOUR <= seconds <= MAX_SECONDS:
        raise TokenOptionError(
            "--service-account-max-token-expiration: the service-account-max-token-expiration must be "
            f"between 1 hour and 2^32 seconds, not {longest[:20]!r}"
        )
    extend = service_account_extend_token_expiration
    return TokenOptions(issuers, service_account_jwks_uri or "", audiences, seconds, extend)


def _check_url(name: str, url: str) -> None:
    parts: Any = None
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and url.isprintable() and " " not in url
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or "@" in parts.netloc:
        raise TokenOptionError(f"{name}: not an https URL without user, query and fragment")


def _seconds(text: str) -> int:
    """A duration as Go prints it, in whole seconds; 0: it is none."""
    found = _DURATION.fullmatch(text)
    if found is None or not text or len(text) > 20:
        return 0
    hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return hours * 3600 + minutes * 60 + seconds
