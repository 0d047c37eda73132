"""A ClusterRole with an aggregationRule has the rules of all ClusterRoles that its selectors choose.

Source: Kubernetes documentation, "Aggregated ClusterRoles".
"""

from collections.abc import Iterable

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.controllers import actions
from strongroom.controllers.actions import Action
from strongroom.controllers.controller import Controller
from strongroom.machinery import selectors
from strongroom.machinery.gvk import Object


def decide(role: Object | None, roles: Iterable[Object]) -> list[Action]:
    """What gives the role the union of the others' rules, by the others' names, each rule once."""
    if role is None or not (aggregation := role.get("aggregationRule")):
        return []
    chosen = [selectors.from_object(each) for each in aggregation.get("clusterRoleSelectors") or ()]
    name = role["metadata"]["name"]
    union: list[Object] = []
    for other in sorted(roles, key=lambda each: str(each["metadata"]["name"])):
        labels = other["metadata"].get("labels")
        if other["metadata"]["name"] == name or not any(s and s.matches(labels) for s in chosen):
            continue
        union += [rule for rule in other.get("rules") or () if rule not in union]
    if union == (role.get("rules") or []):
        return []
    return [actions.Update(resources.CLUSTER_ROLES, "", {**role, "rules": union})]


class ClusterRoleAggregation:
    """Keys are names of ClusterRoles that aggregate. Any change of any ClusterRole concerns all of them."""

    def __init__(self, client: Client, roles: Informer, clock: Clock) -> None:
        self._client = client
        self._roles = roles
        self._loop = Controller("cluster-role-aggregation", self._reconcile, (roles,), clock)
        roles.subscribe(self._changed)

    async def run(self) -> None:
        await self._loop.run()

    def _changed(self, kind: str, changed: Object) -> None:
        if changed.get("aggregationRule"):
            self._loop.queue.add(changed["metadata"]["name"])
        for role in self._roles.values():
            if role.get("aggregationRule"):
                self._loop.queue.add(role["metadata"]["name"])

    async def _reconcile(self, name: str) -> None:
        await actions.perform(self._client, decide(self._roles.get(None, name), self._roles.values()))
