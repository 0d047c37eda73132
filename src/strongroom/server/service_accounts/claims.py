"""What a service account token says: Kubernetes' claims (KEP-1205, `pkg/serviceaccount/claims.go`)."""

import uuid
from dataclasses import dataclass
from typing import Any, NamedTuple

PRIVATE = "kubernetes.io"


class Reference(NamedTuple):
    """An object by its name and uid."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token speaks for, and which objects' end is its end."""

    namespace: str
    account: Reference
    pod: Reference | None = None
    secret: Reference | None = None
    node: Reference | None = None
    """Of a Pod's token: where the Pod runs. Without a Pod: what the token is bound to."""

    @property
    def name(self) -> str:
        return username(self.namespace, self.account.name)


class MalformedClaims(ValueError):
    """Signed by us, but not in the form of a bound token."""


def username(namespace: str, name: str) -> str:
    return f"system:serviceaccount:{namespace}:{name}"


def make(
    issuer: str, subject: Subject, audiences: list[str], issued: int, expires: int, warn_after: int = 0
) -> dict[str, Any]:
    """Claims of a new token; times in Unix seconds. `warn_after` 0: none."""
    private: dict[str, Any] = {"namespace": subject.namespace}
    for field in ("node", "pod", "secret"):
        reference: Reference | None = getattr(subject, field)
        if reference is not None:
            private[field] = reference._asdict()
    private["serviceaccount"] = subject.account._asdict()
    if warn_after:
        private["warnafter"] = warn_after
    return {
        "aud": audiences,
        "exp": expires,
        "iat": issued,
        "iss": issuer,
        "jti": str(uuid.uuid4()),
        PRIVATE: private,
        "nbf": issued,
        "sub": subject.name,
    }


def subject_of(claims: dict[str, Any]) -> Subject:
    """Raises MalformedClaims."""
    private = claims.get(PRIVATE)
    if not isinstance(private, dict) or not isinstance(private.get("namespace"), str):
        raise MalformedClaims("kubernetes.io claim is missing")
    account = _reference(private, "serviceaccount")
    if account is None:
        raise MalformedClaims("the service account's claim is missing")
    subject = Subject(
        private["namespace"],
        account,
        _reference(private, "pod"),
        _reference(private, "secret"),
        _reference(private, "node"),
    )
    if claims.get("sub") != subject.name:
        raise MalformedClaims("sub does not match the service account's claim")
    return subject


def warn_after(claims: dict[str, Any]) -> float:
    """From when on a token counts as stale (Unix seconds); 0: never."""
    private = claims.get(PRIVATE)
    found = private.get("warnafter") if isinstance(private, dict) else None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else 0.0


def _reference(private: dict[str, Any], field: str) -> Reference | None:
    found = private.get(field)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise MalformedClaims(f"{field} claim is no object")
    name, uid = found.get("name"), found.get("uid")
    if not isinstance(name, str) or not isinstance(uid, str) or not name or not uid:
        raise MalformedClaims(f"{field} claim lacks name or uid")
    return Reference(name, uid)
