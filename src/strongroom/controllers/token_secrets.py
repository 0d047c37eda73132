"""Fills Secrets of type service-account-token, and removes them with the ServiceAccount that they are for.

Source: Kubernetes documentation, "Managing Service Accounts" (token controller). The informer knows which
Secrets there are and holds no value; a Secret is read when there is something to do about it.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.api.core.v1 import bootstrap_token
from strongroom.api.core.v1 import secret as secrets
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions
from strongroom.controllers.actions import Action
from strongroom.controllers.controller import Controller
from strongroom.controllers.garbage_collection import graph
from strongroom.machinery import status
from strongroom.machinery.gvk import Object

Issue = Callable[[Mapping[str, Any]], str]
"""Makes the token for `namespace`, `secret`, `account` and `account_uid`."""
_MARKS = (b'"kubernetes.io/service-account-token"', b'"bootstrap.kubernetes.io/token"')


def relevant(line: bytes) -> bool:
    """Whether an event's line may be about a token's Secret, or one that the garbage collector follows."""
    return any(mark in line for mark in _MARKS) or graph.relevant(line)


def reduce(secret: Object) -> Object:
    """What an informer keeps of a Secret for both: no value, of a token Secret whose token it holds, and of a
    bootstrap token when it ends."""
    kept = graph.reduce(secret)
    if bootstrap_token.is_token(secret):
        end = (secret.get("data") or {}).get(bootstrap_token.EXPIRATION)
        kept |= {"type": secret["type"], "data": {} if end is None else {bootstrap_token.EXPIRATION: end}}
    if is_token_secret(secret):
        kept["type"] = secret["type"]
        for field in ("creationTimestamp", "labels", "annotations"):
            if field in secret["metadata"]:
                kept["metadata"][field] = secret["metadata"][field]
    return kept


def is_token_secret(secret: Object | None) -> bool:
    return secret is not None and secret.get("type") == secrets.SERVICE_ACCOUNT_TOKEN


def account_of(secret: Object) -> str:
    """The name of the ServiceAccount that a token Secret is for."""
    return str((secret["metadata"].get("annotations") or {}).get(secrets.SERVICE_ACCOUNT_NAME) or "")


def decide(secret: Object, account: Object | None, ca_pem: str, issue: Issue) -> list[Action]:
    """For a token Secret and its ServiceAccount, both as they are now."""
    if not is_token_secret(secret) or secret["metadata"].get("deletionTimestamp"):
        return []
    metadata = secret["metadata"]
    namespace, name, uid = metadata["namespace"], metadata["name"], metadata["uid"]
    annotations = metadata.get("annotations") or {}
    meant = annotations.get(secrets.SERVICE_ACCOUNT_UID)
    if account is None or (meant and meant != account["metadata"]["uid"]):
        return [actions.Delete(resources.SECRETS, namespace, name, uid)]
    account_uid = account["metadata"]["uid"]
    data = dict(secret.get("data") or {})
    data["ca.crt"], data["namespace"] = _base64(ca_pem), _base64(namespace)
    if not data.get("token"):
        claims = {
            "namespace": namespace,
            "secret": name,
            "account": account["metadata"]["name"],
            "account_uid": account_uid,
        }
        data["token"] = _base64(issue(claims))
    if data == secret.get("data") and meant:
        return []
    named = {**annotations, secrets.SERVICE_ACCOUNT_UID: account_uid}
    filled = {**secret, "metadata": {**metadata, "annotations": named}, "data": data}
    return [actions.Update(resources.SECRETS, namespace, filled)]


def without(account: Object, secret_name: str) -> list[Action]:
    """What makes a ServiceAccount forget a Secret that is gone."""
    listed = account.get("secrets") or []
    left = [reference for reference in listed if reference.get("name") != secret_name]
    if len(left) == len(listed):
        return []
    changed = {**account, "secrets": left}
    return [actions.Update(resources.SERVICE_ACCOUNTS, account["metadata"]["namespace"], changed)]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class TokenSecrets:
    """Keys are `namespace/name` of Secrets. `secret_informer` may be reduced by `reduce`."""

    def __init__(
        self,
        client: Client,
        secret_informer: Informer,
        accounts: Informer,
        ca_pem: str,
        issue: Issue,
        clock: Clock,
    ) -> None:
        self._client = client
        self._secrets = secret_informer
        self._accounts = accounts
        self._ca_pem = ca_pem
        self._issue = issue
        self._of_account: dict[tuple[str, str], dict[str, None]] = {}
        """(namespace, ServiceAccount) -> names of the Secrets that are for it."""
        self._lost: dict[str, str] = {}
        """Key of a Secret that is gone -> the ServiceAccount that may still name it."""
        self._loop = Controller("token-secrets", self._reconcile, (secret_informer, accounts), clock)
        secret_informer.subscribe(self._secret_changed)
        accounts.subscribe(self._account_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _secret_changed(self, kind: str, secret: Object) -> None:
        if not is_token_secret(secret):
            return
        namespace, name = secret["metadata"]["namespace"], secret["metadata"]["name"]
        key, account = f"{namespace}/{name}", account_of(secret)
        known = self._of_account.setdefault((namespace, account), {})
        if kind == DELETED:
            known.pop(name, None)
            self._lost[key] = account
        else:
            known[name] = None
        if not known:
            del self._of_account[namespace, account]
        self._loop.queue.add(key)

    def _account_changed(self, kind: str, account: Object) -> None:
        namespace, name = account["metadata"]["namespace"], account["metadata"]["name"]
        for secret in self._of_account.get((namespace, name), ()):
            self._loop.queue.add(f"{namespace}/{secret}")

    async def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        if self._secrets.get(namespace, name) is None:
            await self._forget(key, namespace, name)
            return
        secret = await self._get(self._client.get(resources.SECRETS, name, namespace))
        if secret is None or not is_token_secret(secret):
            return
        # As it is now: a token Secret is not removed because a cache is behind.
        account = await self._get(self._client.get(resources.SERVICE_ACCOUNTS, account_of(secret), namespace))
        await actions.perform(self._client, decide(secret, account, self._ca_pem, self._issue))

    async def _forget(self, key: str, namespace: str, name: str) -> None:
        owner = self._lost.get(key)
        account = self._accounts.get(namespace, owner) if owner else None
        if account is not None:
            await actions.perform(self._client, without(account, name))
        self._lost.pop(key, None)

    async def _get(self, call: Any) -> Object | None:
        try:
            found: Object = await call
        except status.StatusError as error:
            if error.code == 404:
                return None
            raise
        return found
