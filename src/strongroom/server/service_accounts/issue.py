"""Issues bound tokens: what a TokenRequest asks for, checked against the objects it names.

Rules: Kubernetes' TokenRequest API and `pkg/registry/core/serviceaccount/storage/token.go`.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from strongroom.aio.clock import Clock
from strongroom.api import resources, reviews
from strongroom.machinery import status, validation
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.validation import FieldError
from strongroom.registry.catalog import Catalog
from strongroom.server.service_accounts import claims as claim_names
from strongroom.server.service_accounts.claims import Reference, Subject
from strongroom.server.service_accounts.settings import TokenSettings

DEFAULT_SECONDS: Final = 3600
MIN_SECONDS: Final = 600
MAX_SECONDS: Final = 1 << 32
NODE_SECONDS: Final = 3607
"""What nodes ask for on behalf of Pods; such tokens may be extended."""
EXTENDED_SECONDS: Final = 365 * 24 * 3600

_KINDS: Final[Mapping[tuple[str, str], Resource]] = {
    ("", "Pod"): resources.PODS,
    ("", "Secret"): resources.SECRETS,
    ("", "Node"): resources.NODES,
}


@dataclass(frozen=True, slots=True)
class Issued:
    """The claims of a new token, and until when its holder is told that it lives."""

    claims: Mapping[str, Any]
    expires: int


def default(request: Object, settings: TokenSettings) -> None:
    """Fills in what a TokenRequest leaves open."""
    spec = request.setdefault("spec", {})
    if not spec.get("audiences"):
        spec["audiences"] = list(settings.api_audiences)
    if spec.get("expirationSeconds") is None:
        spec["expirationSeconds"] = DEFAULT_SECONDS
    spec.setdefault("boundObjectRef", None)


def validate(spec: Object) -> list[FieldError]:
    seconds, field = spec["expirationSeconds"], "spec.expirationSeconds"
    if seconds < MIN_SECONDS:
        return [validation.invalid_value(field, seconds, "may not specify a duration less than 10 minutes")]
    if seconds > MAX_SECONDS:
        return [
            validation.invalid_value(field, seconds, "may not specify a duration larger than 2^32 seconds")
        ]
    return []


class Issuer:
    """Makes claims for the accounts of a catalog."""

    def __init__(self, settings: TokenSettings, catalog: Catalog, clock: Clock) -> None:
        self._settings = settings
        self._catalog = catalog
        self._clock = clock

    def claims(self, account: Object, spec: Object) -> Issued:
        """For a checked spec. Raises StatusError 400, 404, 409."""
        metadata = account["metadata"]
        subject = self._subject(
            metadata["namespace"], Reference(metadata["name"], metadata["uid"]), spec["boundObjectRef"]
        )
        now = int(self._clock.now().timestamp())
        seconds, audiences = spec["expirationSeconds"], spec["audiences"]
        expires, warn_after = now + seconds, 0
        extended = (
            self._settings.extend
            and subject.pod is not None
            and seconds == NODE_SECONDS
            and set(audiences) <= set(self._settings.api_audiences)
        )
        if extended:
            expires, warn_after = now + EXTENDED_SECONDS, now + seconds
        made = claim_names.make(self._settings.issuer, subject, audiences, now, expires, warn_after)
        return Issued(made, now + seconds)

    def _subject(self, namespace: str, account: Reference, bound: Object | None) -> Subject:
        if not bound:
            return Subject(namespace, account)
        version, kind = bound.get("apiVersion") or "", bound.get("kind") or ""
        group, _, short = version.rpartition("/")
        resource = _KINDS.get((group, kind))
        if resource is None:
            raise status.bad_request(f"cannot bind token to object of type {group}/{short}, Kind={kind}")
        obj = self._find(resource, namespace, bound.get("name") or "", bound.get("uid") or "")
        reference = Reference(obj["metadata"]["name"], obj["metadata"]["uid"])
        if resource == resources.NODES:
            return Subject(namespace, account, node=reference)
        if resource == resources.SECRETS:
            return Subject(namespace, account, secret=reference)
        spec = obj.get("spec") or {}
        if spec.get("serviceAccountName") != account.name:
            raise status.bad_request(
                f"cannot bind token for serviceaccount {validation.go_quote(account.name)} "
                "to pod running with different serviceaccount name."
            )
        return Subject(namespace, account, pod=reference, node=self._node(spec.get("nodeName") or ""))

    def _find(self, resource: Resource, namespace: str, name: str, uid: str) -> Object:
        registry = self._catalog[resource]
        entry = registry.find(namespace if resource.namespaced else "", name)
        if entry is None:
            raise status.not_found(resource, name)
        obj = entry.decode()
        record = obj["metadata"]["uid"]
        if uid and uid != record:
            # Upstream puts the kind where the resource should be.
            raise status.conflict(
                dataclasses.replace(resource, plural=resource.kind),
                name,
                f"the UID in the bound object reference ({uid}) does not match the UID in record. "
                "The object might have been deleted and then recreated",
            )
        return obj

    def _node(self, name: str) -> Reference | None:
        entry = self._catalog[resources.NODES].find("", name) if name else None
        return Reference(name, entry.decode()["metadata"]["uid"]) if entry is not None else None


def rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def invalid(errors: list[FieldError]) -> status.StatusError:
    return status.invalid(reviews.TOKEN_REQUESTS, "", errors)
