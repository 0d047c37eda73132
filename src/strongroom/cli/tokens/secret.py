"""From a wish for a bootstrap token to its Secret, and from Secrets to what may be shown. Pure."""

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from strongroom.api.core.v1 import bootstrap_token
from strongroom.api.core.v1 import secret as kinds
from strongroom.api.core.v1.bootstrap_token import Token
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

USAGES: Final = ("signing", "authentication")
_ALPHABET: Final = string.ascii_lowercase + string.digits
_COLUMNS: Final = ("TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS")


@dataclass(frozen=True, slots=True)
class Shown:
    """What is told of a token. `token` is whole in the answer to its creation alone: a list shows its id."""

    token: str
    expires: str
    usages: tuple[str, ...]
    description: str
    groups: tuple[str, ...]


def generate() -> Token:
    """A token that nobody can guess: 82 bits."""
    return Token(*("".join(secrets.choice(_ALPHABET) for _ in range(length)) for length in (6, 16)))


def make(
    token: Token,
    *,
    ttl: float,
    description: str,
    groups: Sequence[str],
    usages: Sequence[str],
    now: datetime,
) -> Object:
    """The Secret. `ttl` in seconds; 0: it never ends."""
    data = {bootstrap_token.ID: token.id, bootstrap_token.SECRET: token.secret}
    if ttl:
        data[bootstrap_token.EXPIRATION] = duration.timestamp(now + timedelta(seconds=ttl))
    if description:
        data[bootstrap_token.DESCRIPTION] = description
    if groups:
        data[bootstrap_token.EXTRA_GROUPS] = ",".join(groups)
    data |= {f"{bootstrap_token.USAGE_PREFIX}{usage}": "true" for usage in usages}
    metadata = {"name": f"{bootstrap_token.PREFIX}{token.id}", "namespace": bootstrap_token.NAMESPACE}
    return {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": metadata,
        "type": kinds.BOOTSTRAP_TOKEN,
        "stringData": data,
    }


def show(secret: Object, whole: str = "") -> Shown:
    """`whole`: the token itself, if it is to be shown."""

    def value(key: str) -> str:
        return bootstrap_token.value(secret, key)

    groups = value(bootstrap_token.EXTRA_GROUPS)
    return Shown(
        whole or value(bootstrap_token.ID) or secret["metadata"]["name"].removeprefix(bootstrap_token.PREFIX),
        value(bootstrap_token.EXPIRATION),
        tuple(each for each in USAGES if value(f"{bootstrap_token.USAGE_PREFIX}{each}") == "true"),
        value(bootstrap_token.DESCRIPTION),
        tuple(groups.split(",")) if groups else (),
    )


def document(shown: Shown) -> dict[str, Any]:
    """For programs: the fields of kubeadm's BootstrapToken."""
    found: dict[str, Any] = {"kind": "BootstrapToken", "token": shown.token}
    if shown.expires:
        found["expires"] = shown.expires
    found["usages"] = list(shown.usages)
    if shown.description:
        found["description"] = shown.description
    if shown.groups:
        found["groups"] = list(shown.groups)
    return found


def table(tokens: Sequence[Shown], now: datetime) -> str:
    rows = [_COLUMNS, *(_row(each, now) for each in tokens)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(shown: Shown, now: datetime) -> tuple[str, ...]:
    return (
        shown.token,
        _left(shown.expires, now),
        shown.expires or "<never>",
        ",".join(shown.usages) or "<none>",
        shown.description or "<none>",
        ",".join(shown.groups) or "<none>",
    )


def _left(expires: str, now: datetime) -> str:
    if not expires:
        return "<forever>"
    try:
        left = (duration.parse_timestamp(expires) - now).total_seconds()
    except ValueError:
        return "<invalid>"
    return duration.human_duration(left) if left > 0 else "<expired>"
