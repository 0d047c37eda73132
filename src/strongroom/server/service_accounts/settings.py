"""How this server issues service account tokens and which it takes."""

from dataclasses import dataclass

from strongroom.server.service_accounts.keys import Keys

ISSUER = "https://kubernetes.default.svc.cluster.local"


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """`audiences`: names of this API; none given: the issuers.

    `extend`: a Pod's token for this API lives a year, for clients that read their token once; the Pod's node
    still renews it hourly, and it ends with the Pod."""

    keys: Keys
    issuer: str = ISSUER
    audiences: tuple[str, ...] = ()
    extend: bool = True
    max_seconds: int = 0
    """Longer requests are shortened to this; 0: no limit."""
    other_issuers: tuple[str, ...] = ()
    """Whose tokens are taken too: those that this API had before."""
    jwks_uri: str = ""
    """Where others find the keys, if not at this server."""

    @property
    def api_audiences(self) -> tuple[str, ...]:
        return self.audiences or (self.issuer, *self.other_issuers)
