"""Bootstrap tokens: `‹id›.‹secret›`, kept in Secrets of type bootstrap.kubernetes.io/token in kube-system.

Source: Kubernetes documentation, "Authenticating with Bootstrap Tokens".
"""

import base64
import binascii
import re
from datetime import datetime
from typing import Final, NamedTuple

from strongroom.api.core.v1 import secret as secrets
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

NAMESPACE: Final = "kube-system"
PREFIX: Final = "bootstrap-token-"
"""Of the Secret's name; the token's id follows."""
USER_PREFIX: Final = "system:bootstrap:"
GROUP: Final = "system:bootstrappers"
ID, SECRET, EXPIRATION, DESCRIPTION = "token-id", "token-secret", "expiration", "description"
EXTRA_GROUPS: Final = "auth-extra-groups"
USAGE_PREFIX: Final = "usage-bootstrap-"
AUTHENTICATION, SIGNING = f"{USAGE_PREFIX}authentication", f"{USAGE_PREFIX}signing"

_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})", re.ASCII)
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]", re.ASCII)


class Token(NamedTuple):
    """`id` may be shown, `secret` may not."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Token({self.id!r})"


def parse(text: str) -> Token | None:
    """The two halves; None for what is no bootstrap token."""
    found = _TOKEN.fullmatch(text)
    return Token(found[1], found[2]) if found else None


def is_group(text: str) -> bool:
    """Whether it may stand among the extra groups."""
    return _GROUP.fullmatch(text) is not None


def value(secret: Object, key: str) -> str:
    """What the Secret has under a key; "" for nothing or what is no text."""
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, TypeError):
        return ""


def is_token(secret: Object) -> bool:
    """Whether it is a Secret that the token controllers look at."""
    return secret.get("type") == secrets.BOOTSTRAP_TOKEN and secret["metadata"].get("namespace") == NAMESPACE


def expires(secret: Object) -> datetime | None:
    """When it ends; None: never. Raises ValueError for what is no moment."""
    text = value(secret, EXPIRATION)
    if not text and EXPIRATION not in (secret.get("data") or {}):
        return None
    return duration.parse_timestamp(text)


def has_expired(secret: Object, now: datetime) -> bool:
    """An end that can't be read has come."""
    try:
        end = expires(secret)
    except ValueError:
        return True
    return end is not None and end <= now


def extra_groups(secret: Object) -> list[str]:
    """The groups that the Secret adds. Raises ValueError when one of them may not be added."""
    listed = value(secret, EXTRA_GROUPS)
    groups = sorted(set(listed.split(","))) if listed else []
    if not all(map(is_group, groups)):
        raise ValueError(f"a group does not match {_GROUP.pattern}")
    return groups
