"""Tokens that live in Secrets: good as long as their Secret holds them and their ServiceAccount is there.

Rules and texts: Kubernetes' `pkg/serviceaccount/legacy.go`.
"""

import base64
import binascii
import hmac
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from strongroom.api import resources
from strongroom.machinery.gvk import Object
from strongroom.registry.catalog import Catalog
from strongroom.server.authentication.tokens import InvalidToken
from strongroom.server.service_accounts import legacy
from strongroom.server.service_accounts.legacy import LegacySubject

_DELETION_LEEWAY = timedelta(seconds=60)


class Holder(NamedTuple):
    """The objects that a good token rests on, and the Secret decoded."""

    subject: LegacySubject
    secret_entry: object
    account_entry: object
    secret: Object
    account: Object


def check(catalog: Catalog, token: bytes, claims: dict[str, Any], now: datetime) -> Holder:
    """For a token whose signature is good. Raises InvalidToken and MalformedClaims."""
    subject = legacy.subject_of(claims)
    namespace, name = subject.namespace, subject.account
    secret_entry = catalog[resources.SECRETS].find(namespace, subject.secret)
    if secret_entry is None or secret_entry.error:
        raise InvalidToken("Token has been invalidated")
    secret = secret_entry.decode()
    if _ended(secret, now):
        raise InvalidToken("Token has been invalidated")
    if not hmac.compare_digest(_held(secret), token):
        raise InvalidToken("Token does not match server's copy")
    account_entry = catalog[resources.SERVICE_ACCOUNTS].find(namespace, name)
    if account_entry is None or account_entry.error or _ended(account := account_entry.decode(), now):
        raise InvalidToken(f"ServiceAccount {namespace}/{name} has been deleted")
    if (uid := account["metadata"]["uid"]) != subject.account_uid:
        raise InvalidToken(f"ServiceAccount UID ({uid}) does not match claim ({subject.account_uid})")
    if (secret["metadata"].get("labels") or {}).get(legacy.INVALID_SINCE):
        raise InvalidToken(
            f"the token in secret {namespace}/{subject.secret} for service account {namespace}/{name} has "
            "been marked invalid. Use tokens from the TokenRequest API or manually created secret-based "
            f"tokens, or remove the '{legacy.INVALID_SINCE}' label from the secret to temporarily allow use "
            "of this token"
        )
    return Holder(subject, secret_entry, account_entry, secret, account)


def day_ends(now: datetime) -> float:
    """When the use of a token is to be noted anew, in Unix seconds."""
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    return tomorrow.timestamp()


def _held(secret: Object) -> bytes:
    try:
        return base64.b64decode((secret.get("data") or {}).get("token") or "", validate=True)
    except binascii.Error:
        return b""


def _ended(obj: Object, now: datetime) -> bool:
    """Its deletion began some time ago."""
    begun = obj["metadata"].get("deletionTimestamp")
    return bool(begun) and now >= datetime.fromisoformat(begun) + _DELETION_LEEWAY
