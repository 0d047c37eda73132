"""Removes bootstrap tokens whose time is over.

Source: Kubernetes documentation, "Authenticating with Bootstrap Tokens" (token-cleaner controller).
"""

from datetime import datetime

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.api.core.v1 import bootstrap_token
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions
from strongroom.controllers.actions import Action
from strongroom.controllers.controller import Controller
from strongroom.machinery.gvk import Object

NAME = "token-cleaner"


def decide(secret: Object, now: datetime) -> tuple[list[Action], datetime | None]:
    """What to do with a bootstrap token's Secret, and when to look at it again."""
    metadata = secret["metadata"]
    if not bootstrap_token.is_token(secret) or metadata.get("deletionTimestamp"):
        return [], None
    if bootstrap_token.has_expired(secret, now):
        return [
            actions.Delete(resources.SECRETS, metadata["namespace"], metadata["name"], metadata["uid"])
        ], None
    return [], bootstrap_token.expires(secret)


class TokenCleaner:
    """Keys are `namespace/name`. The informer of Secrets may be that of `token_secrets`."""

    def __init__(self, client: Client, secret_informer: Informer, clock: Clock) -> None:
        self._client = client
        self._secrets = secret_informer
        self._clock = clock
        self._loop = Controller(NAME, self._reconcile, (secret_informer,), clock)
        secret_informer.subscribe(self._changed)

    async def run(self) -> None:
        await self._loop.run()

    def _changed(self, kind: str, secret: Object) -> None:
        if kind != DELETED and bootstrap_token.is_token(secret):
            self._loop.queue.add(f"{secret['metadata']['namespace']}/{secret['metadata']['name']}")

    async def _reconcile(self, key: str) -> None:
        secret = self._secrets.get(*key.split("/"))
        if secret is None:
            return
        now = self._clock.now()
        todo, again = decide(secret, now)
        await actions.perform(self._client, todo)
        if again is not None:
            self._loop.queue.add_after(key, (again - now).total_seconds())
