"""What the token in a Secret of type service-account-token says: claims without audience and without end.

Source: Kubernetes' "Managing Service Accounts" and `pkg/serviceaccount/legacy.go`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from strongroom.server.service_accounts import claims as claim_names
from strongroom.server.service_accounts.keys import Keys

ISSUER: Final = "kubernetes/serviceaccount"
_PREFIX: Final = "kubernetes.io/serviceaccount/"
NAMESPACE: Final = f"{_PREFIX}namespace"
SECRET_NAME: Final = f"{_PREFIX}secret.name"
ACCOUNT_NAME: Final = f"{_PREFIX}service-account.name"
ACCOUNT_UID: Final = f"{_PREFIX}service-account.uid"
LAST_USED: Final = "kubernetes.io/legacy-token-last-used"
INVALID_SINCE: Final = "kubernetes.io/legacy-token-invalid-since"


@dataclass(frozen=True, slots=True)
class LegacySubject:
    """Whom such a token speaks for, and which Secret must hold it."""

    namespace: str
    secret: str
    account: str
    account_uid: str


def make(subject: LegacySubject) -> dict[str, str]:
    """Claims of a new token."""
    return {
        "iss": ISSUER,
        NAMESPACE: subject.namespace,
        SECRET_NAME: subject.secret,
        ACCOUNT_NAME: subject.account,
        ACCOUNT_UID: subject.account_uid,
        "sub": claim_names.username(subject.namespace, subject.account),
    }


def issuer(keys: Keys) -> Callable[[Mapping[str, Any]], str]:
    """Signs the token for `namespace`, `secret`, `account` and `account_uid`."""
    return lambda about: keys.sign(make(LegacySubject(**about)))


def subject_of(claims: dict[str, Any]) -> LegacySubject:
    """Raises MalformedClaims."""
    found = [claims.get(name) for name in (NAMESPACE, SECRET_NAME, ACCOUNT_NAME, ACCOUNT_UID)]
    namespace, secret, account, uid = (each if isinstance(each, str) else "" for each in found)
    if not namespace or not secret or not account or not uid:
        raise claim_names.MalformedClaims("a claim of the legacy token is missing")
    if claims.get("sub") != claim_names.username(namespace, account):
        raise claim_names.MalformedClaims("sub does not match the service account's claims")
    return LegacySubject(namespace, secret, account, uid)
