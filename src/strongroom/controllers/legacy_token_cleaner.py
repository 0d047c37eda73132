"""Marks tokens in Secrets that nobody has used for a year as invalid, and removes them a year later.

Source: Kubernetes documentation, "Managing Service Accounts" (legacy ServiceAccount token cleaner); KEP-2799.
It concerns Secrets that their ServiceAccount lists, as old versions made them, and that no Pod uses. When the
next of them may be due is known, so nothing looks at them in between.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.api.core.v1.pod import references
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions, token_secrets
from strongroom.controllers.actions import Action
from strongroom.controllers.controller import Controller
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

LAST_USED = "kubernetes.io/legacy-token-last-used"
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
PERIOD = timedelta(days=365)
"""kube-controller-manager's `--legacy-service-account-token-clean-up-period`."""
_DAY = timedelta(days=1)


def is_listed(secret: Object, account: Object | None) -> bool:
    """Whether the ServiceAccount lists the Secret."""
    listed = (account or {}).get("secrets") or ()
    return any(reference.get("name") == secret["metadata"]["name"] for reference in listed)


def decide(secret: Object, *, mounted: bool, now: datetime) -> tuple[list[Action], datetime]:
    """What to do with a Secret that its account lists, and when to look at it again."""
    metadata = secret["metadata"]
    labels = metadata.get("labels") or {}
    used = _day(labels.get(LAST_USED)) or duration.parse_timestamp(metadata["creationTimestamp"])
    if used + PERIOD > now:
        return [], used + PERIOD
    if mounted:
        return [], now + _DAY
    namespace, name, uid = metadata["namespace"], metadata["name"], metadata["uid"]
    since = _day(labels.get(INVALID_SINCE))
    if since is None:
        conditional = {"uid": uid, "resourceVersion": metadata["resourceVersion"]}
        label = {"metadata": {**conditional, "labels": {INVALID_SINCE: now.strftime("%Y-%m-%d")}}}
        return [actions.Patch(resources.SECRETS, namespace, name, label)], now + PERIOD
    if since + PERIOD > now:
        return [], since + PERIOD
    return [actions.Delete(resources.SECRETS, namespace, name, uid)], now + _DAY


def _day(label: str | None) -> datetime | None:
    try:
        return datetime.strptime(label or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


class LegacyTokenCleaner:
    """Keys are `namespace/name` of token Secrets. The informer of Secrets may be that of `token_secrets`."""

    def __init__(
        self, client: Client, secret_informer: Informer, accounts: Informer, pods: Informer, clock: Clock
    ) -> None:
        self._client = client
        self._secrets = secret_informer
        self._accounts = accounts
        self._pods = pods
        self._clock = clock
        self._loop = Controller(
            "legacy-token-cleaner", self._reconcile, (secret_informer, accounts, pods), clock
        )
        secret_informer.subscribe(self._secret_changed)
        accounts.subscribe(self._account_changed)

    async def run(self) -> None:
        await self._loop.run()

    def _secret_changed(self, kind: str, secret: Object) -> None:
        if kind != DELETED and token_secrets.is_token_secret(secret):
            self._loop.queue.add(f"{secret['metadata']['namespace']}/{secret['metadata']['name']}")

    def _account_changed(self, kind: str, account: Object) -> None:
        if kind != DELETED:
            for reference in account.get("secrets") or ():
                self._loop.queue.add(f"{account['metadata']['namespace']}/{reference.get('name', '')}")

    async def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        secret = self._secrets.get(namespace, name)
        if secret is None or not token_secrets.is_token_secret(secret):
            return
        account = self._accounts.get(namespace, token_secrets.account_of(secret))
        if not is_listed(secret, account):
            return
        now = self._clock.now()
        todo, again = decide(secret, mounted=_is_mounted(namespace, name, self._pods.values()), now=now)
        await actions.perform(self._client, todo)
        self._loop.queue.add_after(key, (again - now).total_seconds())


def _is_mounted(namespace: str, name: str, pods: Iterable[Object]) -> bool:
    here = (pod for pod in pods if pod["metadata"]["namespace"] == namespace)
    return any(name in references.secret_names(pod) for pod in here)
