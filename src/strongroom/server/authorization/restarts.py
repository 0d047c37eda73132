"""What the controller of restarts may read: the Secrets of workloads that asked for it, and no others."""

from strongroom.api.apps.v1 import restart_on_change
from strongroom.machinery.gvk import Object
from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.registry.generic import Registry
from strongroom.server.authorization.authorizer import ALLOWED, NO_OPINION, Decision, Verdict

USER = "system:controller:restart-controller"
_READS = frozenset(("get", "list", "watch"))
_MARK = restart_on_change.ANNOTATION.encode()


class RestartAuthorizer:
    """Knows which Secrets those are from the Deployments in the registry.

    The index is brought up to date when it is asked, from the changes since the last time."""

    def __init__(self, deployments: Registry) -> None:
        self._deployments = deployments
        self._revision = -1
        self._named: dict[tuple[str, str], frozenset[str]] = {}

    def authorize(self, user: UserInfo, info: RequestInfo) -> Verdict:
        if user.name != USER or not info.is_resource:
            return NO_OPINION
        if info.group or info.resource != "secrets" or info.subresource or info.verb not in _READS:
            return NO_OPINION
        if not info.name or not info.namespace:
            return _no("No Object name found")
        self._catch_up()
        for (namespace, _), secrets in self._named.items():
            if namespace == info.namespace and info.name in secrets:
                return ALLOWED
        return _no("no workload that uses this object wants a restart when it changes")

    def _catch_up(self) -> None:
        revision = self._deployments.revision
        if revision == self._revision:
            return
        changes = self._deployments.changes(self._revision) if self._revision >= 0 else None
        if changes is None:
            self._named.clear()
            for entry in self._deployments.rows.entries():
                marked = not entry.error and _MARK in entry.item
                self._set(entry.decode() if marked else None, entry.namespace, entry.name)
        else:
            for change in changes:
                entry = change.entry
                marked = change.type != "DELETED" and not entry.error and _MARK in entry.item
                self._set(entry.decode() if marked else None, entry.namespace, entry.name)
        self._revision = revision

    def _set(self, workload: Object | None, namespace: str, name: str) -> None:
        self._named.pop((namespace, name), None)
        if workload is not None and restart_on_change.opted_in(workload):
            self._named[namespace, name] = frozenset(restart_on_change.uses(workload))


def _no(reason: str) -> Verdict:
    return Verdict(Decision.NO_OPINION, reason)
