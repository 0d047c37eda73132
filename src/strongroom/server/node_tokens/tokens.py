"""Signed tokens of nodes, and the proofs that this server shows to them.

A node's token is bound to the uid of its Node: it is refused from the moment that Node is gone. A proof is
for one node's endpoint: that node can do nothing with it, neither here nor at another node.
"""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from strongroom.aio.clock import Clock
from strongroom.api import node_joining, resources
from strongroom.machinery.gvk import Object
from strongroom.machinery.request_info import UserInfo
from strongroom.registry.catalog import Catalog
from strongroom.server.authentication import tokens
from strongroom.server.authentication.tokens import Found, InvalidToken
from strongroom.server.authorization import node as nodes
from strongroom.server.request import Headers
from strongroom.server.service_accounts.keys import BadSignature
from strongroom.server.service_accounts.settings import TokenSettings

ISSUER: Final = "strongroom.dev/nodes"
LIFETIME: Final = 24 * 3600
"""Seconds. A node renews its token long before; one that was switched off for longer joins again."""
PROOF_LIFETIME: Final = 120
CLOCKS_APART: Final = 60
CACHE_SIZE: Final = 1024
_PRIVATE: Final = "kubernetes.io"
_EXTRA: Final = "authentication.kubernetes.io/"


class _Verified(NamedTuple):
    user: UserInfo
    node: str
    uid: str
    """"": bound to no Node."""
    audiences: tuple[str, ...]
    until: float
    key_id: str


class NodeTokens:
    """Issues them; authenticator and source of tokens for both kinds.

    What was verified is kept by the token's digest, and used as long as its Node and its key are there."""

    def __init__(self, settings: TokenSettings, catalog: Catalog, clock: Clock) -> None:
        self._settings = settings
        self._nodes = catalog[resources.NODES]
        self._clock = clock
        self._known: dict[bytes, _Verified] = {}
        self._proofs: dict[tuple[str, str], tuple[float, str]] = {}

    def issue(self, node: Object, user: str) -> tuple[str, datetime]:
        """A token for this API that stands for `user` on `node`, and when it ends."""
        metadata = node["metadata"]
        now = int(self._clock.now().timestamp())
        bound = {"node": {"name": metadata["name"], "uid": metadata["uid"]}}
        claims = _claims(user, list(self._settings.api_audiences), now, LIFETIME) | {_PRIVATE: bound}
        return self._settings.keys.sign(claims), datetime.fromtimestamp(now + LIFETIME, UTC)

    def proof(self, node: str) -> str:
        """What this server shows to the endpoint of the node of that name."""
        now, key = self._clock.now().timestamp(), (self._settings.keys.signer_id, node)
        made, token = self._proofs.get(key, (0.0, ""))
        if not token or not made <= now <= made + PROOF_LIFETIME / 2:
            claims = _claims(
                node_joining.SERVER_USER, [node_joining.audience(node)], int(now), PROOF_LIFETIME
            )
            token = self._settings.keys.sign(claims)
            # The longest not made anew goes: of a node that is gone, or a key that signs no more.
            self._proofs.pop(key, None)
            if len(self._proofs) >= CACHE_SIZE:
                del self._proofs[next(iter(self._proofs))]
            self._proofs[key] = (now, token)
        return token

    def authenticate(self, headers: Headers, path: str) -> UserInfo | None:
        value = headers.get(b"authorization")
        if value is None or len(value) > tokens.MAX_HEADER:
            return None
        try:
            found = self._look(tokens.bearer(headers))
        except InvalidToken:
            return None
        if found is None or not set(found.audiences) & set(self._settings.api_audiences):
            return None
        return found.user

    def find(self, token: bytes, audiences: Sequence[str]) -> Found | None:
        found = self._look(token)
        if found is None:
            return None
        common = tuple(audience for audience in audiences if audience in found.audiences)
        if not common:
            raise InvalidToken("the token is not meant for the asked audiences")
        return Found(found.user, common)

    def _look(self, token: bytes) -> _Verified | None:
        """Raises InvalidToken. None: no token of these, as far as it says itself."""
        if tokens.issuer(token) != ISSUER:
            return None
        digest = hashlib.sha256(token).digest()
        known = self._known.get(digest)
        if known is None:
            known = self._verify(token)
            if known is None:
                return None
            if len(self._known) >= CACHE_SIZE:
                del self._known[next(iter(self._known))]
            self._known[digest] = known
        if self._clock.now().timestamp() >= known.until or not self._is_there(known):
            del self._known[digest]
            raise InvalidToken("the node's token has ended")
        return known

    def _is_there(self, known: _Verified) -> bool:
        """Whether what it rests on is: the key that signed it, and its Node."""
        if known.key_id not in self._settings.keys.public:
            return False
        if not known.uid:
            return True
        entry = self._nodes.find("", known.node)
        if entry is None or entry.error:
            return False
        metadata = entry.decode()["metadata"]
        return metadata["uid"] == known.uid and not metadata.get("deletionTimestamp")

    def _verify(self, token: bytes) -> _Verified | None:
        """What a token says, whether its Node is there or not. Raises InvalidToken."""
        try:
            claims, key_id = self._settings.keys.verify(token)
        except BadSignature:
            return None
        now = self._clock.now().timestamp()
        if now + CLOCKS_APART < claims["nbf"]:
            raise InvalidToken("the node's token is not valid yet")
        extra = {f"{_EXTRA}credential-id": (f"JTI={claims['jti']}",)}
        name, uid = claims["sub"], ""
        groups: tuple[str, ...] = ("system:authenticated",)
        bound = (claims.get(_PRIVATE) or {}).get("node") or {}
        if bound:
            uid = bound["uid"]
            extra |= {f"{_EXTRA}node-name": (bound["name"],), f"{_EXTRA}node-uid": (uid,)}
            if name == f"{nodes.PREFIX}{bound['name']}":
                groups = (nodes.GROUP, *groups)
        user, audiences = UserInfo(name, groups=groups, extra=extra), tuple(claims["aud"])
        return _Verified(user, bound.get("name", ""), uid, audiences, float(claims["exp"]), key_id)


def _claims(user: str, audiences: list[str], now: int, seconds: int) -> dict[str, Any]:
    return {
        "aud": audiences,
        "exp": now + seconds,
        "iat": now,
        "iss": ISSUER,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "sub": user,
    }
