"""The Node authorizer: a node reads exactly the Secrets and ConfigMaps that Pods bound to it name.

Rules and reasons: Kubernetes' "Using Node Authorization" and `plugin/pkg/auth/authorizer/node`.
"""

from collections import Counter
from collections.abc import Iterator

from strongroom.api import node_joining, resources
from strongroom.api.core.v1.pod import references
from strongroom.machinery import selectors
from strongroom.machinery.gvk import Object
from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.registry.generic import Registry
from strongroom.server.authorization.authorizer import ALLOWED, NO_OPINION, Decision, Verdict
from strongroom.server.authorization.rules import Rule, core

GROUP = "system:nodes"
PREFIX = node_joining.USER_PREFIX
DELIVERIES = resources.SECRET_DELIVERIES
_READS = frozenset(("get", "list", "watch"))

_RULES = (
    core("get list watch", "services"),
    # Our nodes do what kube-proxy does, which upstream has a role of its own for.
    Rule(("get", "list", "watch"), ("discovery.k8s.io",), ("endpointslices",)),
    core("create update patch", "nodes"),
    core("update patch", "nodes/status"),
    core("create delete", "pods"),
    core("update patch", "pods/status"),
    core("create", "pods/eviction"),
    core("create patch update", "events"),
    Rule(("create",), ("authentication.k8s.io",), ("tokenreviews",)),
    Rule(("create",), ("authorization.k8s.io",), ("subjectaccessreviews", "localsubjectaccessreviews")),
    Rule(("get", "list", "watch"), ("storage.k8s.io",), ("csidrivers", "csinodes")),
    Rule(("get", "list", "watch"), ("node.k8s.io",), ("runtimeclasses",)),
    Rule(("create", "get", "list", "watch"), ("certificates.k8s.io",), ("certificatesigningrequests",)),
)

Edge = tuple[str, str, str, str]
"""Node, resource, namespace, name."""


class NodeAuthorizer:
    """Knows which node's Pods name what, from the Pods in the registry.

    The index is brought up to date when it is asked, from the changes since the last time: a Pod's node can
    read the Pod's Secrets as soon as the binding is answered, and not after the Pod is gone."""

    def __init__(self, pods: Registry) -> None:
        self._pods = pods
        self._revision = -1
        self._edges: Counter[Edge] = Counter()
        self._of_pod: dict[tuple[str, str], tuple[Edge, ...]] = {}

    def authorize(self, user: UserInfo, info: RequestInfo) -> Verdict:
        if GROUP not in user.groups or not user.name.startswith(PREFIX):
            return NO_OPINION
        node = user.name.removeprefix(PREFIX)
        if not info.is_resource:
            return NO_OPINION
        if info.group == "":
            match info.resource:
                case "secrets" | "configmaps":
                    return self._read_only(node, info)
                case "serviceaccounts":
                    return self._service_account(node, info)
                case "pods" if info.verb in _READS:
                    return self._pod(node, info)
                case "nodes" if info.verb in _READS and not info.subresource:
                    return _own_node(node, info)
                case "nodes" if info.subresource == node_joining.SUBRESOURCE:
                    return _own_token(node, info)
        if info.group == "coordination.k8s.io" and info.resource == "leases":
            return _lease(node, info)
        if info.group == DELIVERIES.group and info.resource == DELIVERIES.plural:
            return self._delivery(node, info)
        return ALLOWED if any(rule.allows(info) for rule in _RULES) else NO_OPINION

    def _read_only(self, node: str, info: RequestInfo) -> Verdict:
        if info.verb not in _READS:
            return _no("can only read resources of this type")
        if info.subresource:
            return _no("cannot read subresource")
        return self._related(node, info)

    def _service_account(self, node: str, info: RequestInfo) -> Verdict:
        if info.verb == "create":
            if info.subresource != "token":
                return _no("can only create token subresource of serviceaccount")
            if not info.name:
                return _no("can only create tokens for individual service accounts")
            return self._related(node, info)
        if info.verb == "get" and not info.subresource:
            return self._related(node, info)
        return NO_OPINION

    def _delivery(self, node: str, info: RequestInfo) -> Verdict:
        """What was delivered to a Pod is told by the Pod's node, and under the Pod's name alone."""
        if info.verb not in ("get", "create", "update", "delete"):
            return _no("can only get, create, update and delete individual resources of this type")
        return self._related(node, info._replace(resource=resources.PODS.plural))

    def _pod(self, node: str, info: RequestInfo) -> Verdict:
        if info.subresource:
            return NO_OPINION
        if info.verb == "get":
            return self._related(node, info)
        if _selected_node(info.field_selector) == node:
            return ALLOWED
        return _no("can only list/watch pods with spec.nodeName field selector")

    def _related(self, node: str, info: RequestInfo) -> Verdict:
        if not info.name:
            return _no("No Object name found")
        if not info.namespace:
            return _no("can only read namespaced object of this type")
        self._catch_up()
        if (node, info.resource, info.namespace, info.name) in self._edges:
            return ALLOWED
        return _no(f"no relationship found between node '{node}' and this object")

    def _catch_up(self) -> None:
        revision = self._pods.revision
        if revision == self._revision:
            return
        changes = self._pods.changes(self._revision) if self._revision >= 0 else None
        if changes is None:
            self._edges.clear()
            self._of_pod.clear()
            for entry in self._pods.rows.entries():
                # What can't be read is bound to no node: it must not keep the others from their Secrets.
                self._set(entry.namespace, entry.name, () if entry.error else tuple(_edges(entry.decode())))
        else:
            for change in changes:
                entry = change.entry
                gone = change.type == "DELETED" or entry.error
                self._set(entry.namespace, entry.name, () if gone else tuple(_edges(entry.decode())))
        self._revision = revision

    def _set(self, namespace: str, name: str, edges: tuple[Edge, ...]) -> None:
        for edge in self._of_pod.pop((namespace, name), ()):
            self._edges[edge] -= 1
            if not self._edges[edge]:
                del self._edges[edge]
        if edges:
            self._of_pod[namespace, name] = edges
            self._edges.update(edges)


def _edges(pod: Object) -> Iterator[Edge]:
    spec, metadata = pod["spec"], pod["metadata"]
    node, namespace = spec.get("nodeName"), metadata["namespace"]
    if not node:
        return
    yield node, resources.PODS.plural, namespace, metadata["name"]
    if "kubernetes.io/config.mirror" in (metadata.get("annotations") or {}):
        return
    for name in references.secret_names(pod):
        yield node, resources.SECRETS.plural, namespace, name
    for name in references.config_map_names(pod):
        yield node, resources.CONFIG_MAPS.plural, namespace, name
    if account := spec.get("serviceAccountName"):
        yield node, resources.SERVICE_ACCOUNTS.plural, namespace, account


def _no(reason: str) -> Verdict:
    return Verdict(Decision.NO_OPINION, reason)


def _own_node(node: str, info: RequestInfo) -> Verdict:
    if info.name == node:
        return ALLOWED
    if not info.name:
        return _no(f"node '{node}' cannot read all nodes, only its own Node object")
    return _no(f"node '{node}' cannot read '{info.name}', only its own Node object")


def _own_token(node: str, info: RequestInfo) -> Verdict:
    if info.verb != "create":
        return NO_OPINION
    return ALLOWED if info.name == node else _no(f"node '{node}' can only renew its own token")


def _lease(node: str, info: RequestInfo) -> Verdict:
    if info.namespace != "kube-node-lease":
        return _no('can only access leases in the "kube-node-lease" system namespace')
    if info.verb not in ("get", "create", "update", "patch", "delete"):
        return NO_OPINION
    if info.verb != "create" and info.name != node:
        return _no("can only access node lease with the same name as the requesting node")
    return ALLOWED


def _selected_node(field_selector: str) -> str | None:
    try:
        return selectors.parse_fields(field_selector).requires_exact("spec.nodeName")
    except selectors.SelectorError:
        return None
