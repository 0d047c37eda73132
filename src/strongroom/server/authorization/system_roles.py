"""Fixed rights of the system's own components and of everybody, after upstream's default cluster roles.

Each has what its work needs and no more. Roles that can be edited are the RBAC authorizer's.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from strongroom.api import node_joining
from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.authorization.authorizer import ALLOWED, NO_OPINION, Verdict
from strongroom.server.authorization.rules import ALL, Rule, core

_READ = "get list watch"
_EVENTS = core("create patch update", "events")
_LEASES = Rule(("create", "get", "list", "watch", "update"), ("coordination.k8s.io",), ("leases",))

_PUBLIC = Rule(("get",), paths=("/healthz", "/livez", "/readyz", "/version", "/version/"))

USERS: Mapping[str, Sequence[Rule]] = {
    "system:kube-scheduler": (
        core(_READ, "nodes", "namespaces", "pods"),
        core("create", "pods/binding", "bindings"),
        core("patch update", "pods/status"),
        core("delete", "pods"),
        _EVENTS,
        _LEASES,
    ),
    "system:kube-controller-manager": (
        core(_READ, "nodes", "pods"),
        Rule(("get", "list", "watch"), ("apps",), ("deployments", "replicasets")),
        Rule(("get", "list", "watch"), ("batch",), ("jobs",)),
        core("delete patch update", "nodes", "pods"),
        core("patch update", "nodes/status", "pods/status", "namespaces/status"),
        core(f"{_READ} create update patch", "serviceaccounts", "configmaps"),
        core(f"{_READ} update", "namespaces"),
        core("update", "namespaces/finalize"),
        # Emptying a namespace that is being deleted.
        Rule(("list", "delete", "deletecollection"), (ALL,), (ALL,)),
        # Aggregation gives roles rights that no one aggregator holds.
        Rule(
            ("get", "list", "watch", "update", "patch", "escalate"),
            ("rbac.authorization.k8s.io",),
            ("clusterroles",),
        ),
        _EVENTS,
        _LEASES,
    ),
    # What keeps a node's routes and cluster IPs, as Kubernetes' role system:node-proxier has it.
    node_joining.PROXY_USER: (
        core("list watch", "services", "endpoints"),
        core(_READ, "nodes"),
        Rule(("list", "watch"), ("discovery.k8s.io",), ("endpointslices",)),
        _EVENTS,
    ),
    # Garbage may be of any kind.
    "system:controller:generic-garbage-collector": (
        Rule(("get", "list", "watch", "patch", "delete"), (ALL,), (ALL,)),
        _EVENTS,
    ),
    # What is there they are told by the controller manager. Who makes Pods can read Secrets through them, so
    # that is nobody's right but this one's.
    "system:controller:deployment-controller": (
        Rule(("get",), ("apps",), ("deployments",)),
        Rule(("patch",), ("apps",), ("deployments/status",)),
        Rule(("get", "create", "patch", "delete"), ("apps",), ("replicasets",)),
        _EVENTS,
    ),
    "system:controller:replicaset-controller": (
        Rule(("get",), ("apps",), ("replicasets",)),
        Rule(("patch",), ("apps",), ("replicasets/status",)),
        core("create patch delete", "pods"),
        _EVENTS,
    ),
    "system:controller:job-controller": (
        Rule(("get", "delete"), ("batch",), ("jobs",)),
        Rule(("patch",), ("batch",), ("jobs/status",)),
        core("create patch delete", "pods"),
        _EVENTS,
    ),
    "system:controller:cronjob-controller": (
        Rule(("get", "list", "watch"), ("batch",), ("cronjobs",)),
        Rule(("patch",), ("batch",), ("cronjobs/status",)),
        Rule(("get", "create", "delete"), ("batch",), ("jobs",)),
        _EVENTS,
    ),
    # `strongroom.server.authorization.restarts` lets it read Secrets that Deployments name which ask for it.
    "system:controller:restart-controller": (
        Rule(("patch",), ("apps",), ("deployments", "deployments/status")),
        _EVENTS,
    ),
    # It is told of them by the garbage collector's watch, and reads those alone that hold tokens.
    "system:controller:tokens-controller": (
        core("get update patch delete", "secrets"),
        core("get update", "serviceaccounts"),
    ),
    # The controller manager tells them of Pods, the second of these tells both of Services.
    "system:controller:endpoint-controller": (core(f"{_READ} create update delete", "endpoints"),),
    "system:controller:endpointslice-controller": (
        core("list watch", "services"),
        Rule(
            ("get", "list", "watch", "create", "update", "delete"),
            ("discovery.k8s.io",),
            ("endpointslices",),
        ),
    ),
    # Whatever is counted is listed.
    "system:controller:resourcequota-controller": (
        Rule(("list", "watch"), (ALL,), (ALL,)),
        core("update", "resourcequotas/status"),
    ),
}
"""Rights by user name."""

GROUPS: Mapping[str, Sequence[Rule]] = {
    "system:authenticated": (_PUBLIC,),
    "system:unauthenticated": (_PUBLIC,),
}
"""Rights by group: on paths alone."""


class SystemRolesAuthorizer:
    """Allows what `USERS` and `GROUPS` say."""

    def authorize(self, user: UserInfo, info: RequestInfo) -> Verdict:
        if info.is_resource:
            rules = USERS.get(user.name)
            if rules is None:
                return NO_OPINION
        else:
            rules = _rules(user.name, user.groups)
        return ALLOWED if any(rule.allows(info) for rule in rules) else NO_OPINION

    def rules(self, user: UserInfo, namespace: str) -> tuple[list[Rule], list[str]]:
        """The fixed rights of the user."""
        return list(_rules(user.name, user.groups)), []


@lru_cache(maxsize=1024)
def _rules(name: str, groups: tuple[str, ...]) -> tuple[Rule, ...]:
    rules = list(USERS.get(name, ()))
    for group in groups:
        rules += GROUPS.get(group, ())
    return tuple(rules)
