"""The ClusterRoles and bindings of every cluster, after Kubernetes' "Default roles and role bindings".

Cut to the kinds that this server knows or that tools expect to be asked about.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from strongroom.machinery.gvk import Object

RBAC: Final = "rbac.authorization.k8s.io"
READ: Final = "get list watch"
WRITE: Final = "create delete deletecollection patch update"

Rules = list[Object]


def _rule(verbs: str, group: str, resources: str) -> Object:
    """`verbs` and `resources` separated by blanks."""
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}


def _paths(paths: str) -> Object:
    return {"verbs": ["get"], "nonResourceURLs": paths.split()}


_EVERYTHING: Rules = [
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
]

_WORKLOADS = "deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale"

_VIEW: Rules = [
    _rule(
        READ,
        "",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
        "replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
    ),
    _rule(
        READ,
        "",
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status "
        "resourcequotas resourcequotas/status",
    ),
    _rule(READ, "", "namespaces"),
    _rule(READ, "discovery.k8s.io", "endpointslices"),
    _rule(
        READ,
        "apps",
        f"controllerrevisions daemonsets daemonsets/status deployments/status replicasets/status "
        f"statefulsets/status {_WORKLOADS}",
    ),
    _rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    _rule(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
    _rule(READ, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
    _rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
]

_EDIT: Rules = [
    _rule(READ, "", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
    _rule("impersonate", "", "serviceaccounts"),
    _rule(WRITE, "", "pods pods/attach pods/exec pods/portforward pods/proxy"),
    _rule("create", "", "pods/eviction"),
    _rule(
        WRITE,
        "",
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale "
        "secrets serviceaccounts services services/proxy",
    ),
    _rule("create", "", "serviceaccounts/token"),
    _rule(WRITE, "apps", f"daemonsets deployments/rollback {_WORKLOADS}"),
    _rule(WRITE, "autoscaling", "horizontalpodautoscalers"),
    _rule(WRITE, "batch", "cronjobs jobs"),
    _rule(WRITE, "networking.k8s.io", "ingresses networkpolicies"),
    _rule(WRITE, "policy", "poddisruptionbudgets"),
    _rule(f"create delete deletecollection {READ} patch update", "coordination.k8s.io", "leases"),
    # Who may read Secrets may know where they are.
    _rule(READ, "delivery.strongroom.dev", "secretdeliveries"),
]

_ADMIN: Rules = [
    _rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
    _rule(f"{READ} {WRITE}", RBAC, "roles rolebindings"),
]

_HEALTH = "/healthz /livez /readyz /version /version/"

PLAIN: Final[Mapping[str, Rules]] = {
    "cluster-admin": _EVERYTHING,
    "system:aggregate-to-view": _VIEW,
    "system:aggregate-to-edit": _EDIT,
    "system:aggregate-to-admin": _ADMIN,
    "system:public-info-viewer": [_paths(_HEALTH)],
    "system:discovery": [_paths(f"/api /api/* /apis /apis/* /openapi /openapi/* {_HEALTH}")],
    "system:basic-user": [
        _rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
        _rule("create", "authentication.k8s.io", "selfsubjectreviews"),
    ],
    "system:service-account-issuer-discovery": [
        _paths("/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks")
    ],
    "system:auth-delegator": [
        _rule("create", "authentication.k8s.io", "tokenreviews"),
        _rule("create", "authorization.k8s.io", "subjectaccessreviews"),
    ],
    # Who holds a bootstrap token makes a node of a machine. Upstream's rules are about certificates, which
    # nodes of this server do not have.
    "system:node-bootstrapper": [_rule("create", "", "nodes/token")],
    "system:monitoring": [
        _paths("/metrics /metrics/slis /livez /livez/* /readyz /readyz/* /healthz /healthz/*")
    ],
}
"""Name -> rules."""

AGGREGATE_TO: Final = f"{RBAC}/aggregate-to-"

_PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    "system:aggregate-to-view": {f"{AGGREGATE_TO}view": "true"},
    "system:aggregate-to-edit": {f"{AGGREGATE_TO}edit": "true"},
    "system:aggregate-to-admin": {f"{AGGREGATE_TO}admin": "true"},
    "view": {f"{AGGREGATE_TO}edit": "true"},
    "edit": {f"{AGGREGATE_TO}admin": "true"},
}

BINDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "cluster-admin": ("system:masters",),
    "system:monitoring": ("system:monitoring",),
    "system:node-bootstrapper": ("system:bootstrappers",),
    "system:basic-user": ("system:authenticated",),
    "system:discovery": ("system:authenticated",),
    "system:public-info-viewer": ("system:authenticated", "system:unauthenticated"),
    "system:service-account-issuer-discovery": ("system:serviceaccounts",),
}
"""ClusterRole -> the groups that hold it, by a ClusterRoleBinding of the same name."""


def cluster_roles() -> Iterable[Object]:
    """The ClusterRoles, complete: those that aggregate have their rules from the start."""
    for name, rules in PLAIN.items():
        yield _object("ClusterRole", name, rules=rules)
    unions = {"view": _VIEW, "edit": [*_EDIT, *_VIEW], "admin": [*_ADMIN, *_EDIT, *_VIEW]}
    for name, rules in unions.items():
        selectors = [{"matchLabels": {f"{AGGREGATE_TO}{name}": "true"}}]
        yield _object("ClusterRole", name, rules=rules, aggregationRule={"clusterRoleSelectors": selectors})


def cluster_role_bindings() -> Iterable[Object]:
    for role, groups in BINDINGS.items():
        subjects = [{"kind": "Group", "apiGroup": RBAC, "name": group} for group in groups]
        reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
        yield _object("ClusterRoleBinding", role, roleRef=reference, subjects=subjects)


def _object(kind: str, name: str, **fields: object) -> Object:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults", **_PARTS.get(name, {})}
    annotations = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
    metadata = {"name": name, "labels": labels, "annotations": annotations}
    return {"kind": kind, "apiVersion": f"{RBAC}/v1", "metadata": metadata, **fields}
