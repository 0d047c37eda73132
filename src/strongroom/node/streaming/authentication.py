"""Who comes to the node's endpoint: the API server, with a token that is for this node alone.

The node asks the API whose the token is (a TokenReview with an audience of its own), so it needs no key, and
what a node is shown is of no use at another one.
"""

import hashlib
import logging
from typing import Final

from strongroom.aio.clock import Clock
from strongroom.api import node_joining, reviews
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery.status import StatusError

KEPT: Final = 30.0
"""Seconds that an answer is good for; the API server shows the same token for a while."""
KEPT_REFUSALS: Final = 5.0
"""Shorter, since a refusal may be because the API has not seen something yet."""
_LIMIT: Final = 64
_log = logging.getLogger(__name__)


class ServerProofs:
    """Says whether a token is the API server's."""

    def __init__(self, client: Client, node_name: str, clock: Clock) -> None:
        self._client = client
        self._audience = node_joining.audience(node_name)
        self._clock = clock
        self._known: dict[bytes, tuple[bool, float]] = {}

    async def __call__(self, token: str) -> bool:
        """Never raises."""
        if not token:
            return False
        digest, now = hashlib.sha256(token.encode()).digest(), self._clock.monotonic()
        good, until = self._known.get(digest, (False, 0.0))
        if now < until:
            return good
        said = await self._review(token)
        if said is None:
            return False
        self._known.pop(digest, None)
        if len(self._known) >= _LIMIT:
            # A refused one, if there is any: whoever tries many does not make the server's be forgotten.
            refused = (each for each, (was_good, _) in self._known.items() if not was_good)
            del self._known[next(refused, next(iter(self._known)))]
        self._known[digest] = (said, now + (KEPT if said else KEPT_REFUSALS))
        return said

    async def _review(self, token: str) -> bool | None:
        """None: nobody answers."""
        review = {
            "kind": "TokenReview",
            "apiVersion": reviews.TOKEN_REVIEWS.api_version,
            "spec": {"token": token, "audiences": [self._audience]},
        }
        try:
            said = (await self._client.create(reviews.TOKEN_REVIEWS, review)).get("status") or {}
        except (StatusError, ConnectionFailed) as error:
            _log.warning("the API can't be asked who comes to this node: %s", error)
            return None
        user = (said.get("user") or {}).get("username")
        return (
            said.get("authenticated") is True
            and user == node_joining.SERVER_USER
            and self._audience in (said.get("audiences") or ())
        )
