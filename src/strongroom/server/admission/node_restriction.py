"""NodeRestriction: a node changes only itself and its own Pods, and gets tokens only for those.

Rules and texts: Kubernetes' "NodeRestriction" admission plugin (`plugin/pkg/admission/noderestriction`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from strongroom.api import node_joining, resources
from strongroom.api.core.v1.pod import references
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.request_info import RequestInfo
from strongroom.machinery.validation import go_quote
from strongroom.registry.catalog import Catalog
from strongroom.server.admission.durations import ADMIT, Who
from strongroom.server.admission.plugin import CREATE, DELETE, UPDATE, Attributes
from strongroom.server.admission.service_account import MIRROR
from strongroom.server.authorization import node as nodes
from strongroom.server.authorization.authorizer import Authorizer, Decision

AUDIENCE_VERB: Final = "request-serviceaccounts-token-audience"
_RESERVED: Final = "node-restriction.kubernetes.io"
_OWN_LABELS: Final = frozenset(
    (
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    )
)
_OWN_PREFIXES: Final = ("kubelet.kubernetes.io", "node.kubernetes.io")
_OF_PODS: Final = frozenset(
    ((CREATE, ""), (CREATE, "eviction"), (DELETE, ""), (UPDATE, ""), (UPDATE, "status"))
)
_KUBERNETES: Final = ("kubernetes.io", "k8s.io")


class NodeRestriction:
    """Concerns members of `system:nodes` alone. `audiences`: names of this API."""

    who = Who("NodeRestriction", ADMIT)

    def __init__(self, catalog: Catalog, authorizer: Authorizer, audiences: Sequence[str]) -> None:
        self._pods = catalog[resources.PODS]
        self._nodes = catalog[resources.NODES]
        self._authorizer = authorizer
        self._audiences = frozenset(audiences)

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        if resource == resources.PODS:
            return (operation, subresource) in _OF_PODS
        if resource in (resources.NODES, resources.LEASES):
            return operation in (CREATE, UPDATE, DELETE)
        return resource == resources.SERVICE_ACCOUNTS and subresource == "token"

    async def admit(self, attributes: Attributes) -> None:
        """Raises StatusError 403."""
        if nodes.GROUP not in attributes.user.groups:
            return
        node = attributes.user.name.removeprefix(nodes.PREFIX)
        if not attributes.user.name.startswith(nodes.PREFIX) or not node:
            raise _refused(attributes, f"could not determine node from user {attributes.user.name}")
        if attributes.resource == resources.PODS:
            self._pod(attributes, node)
        elif attributes.resource == resources.NODES:
            _node(attributes, node)
        elif attributes.resource == resources.LEASES:
            # The path of a creation has no name that the authorizer could see.
            if attributes.name != node:
                text = "can only access node lease with the same name as the requesting node"
                raise _refused(attributes, text)
        else:
            self._token(attributes, node)

    def _pod(self, attributes: Attributes, node: str) -> None:
        shown = go_quote(node)
        if attributes.subresource == "eviction":
            if not self._runs(node, attributes.namespace, attributes.name):
                text = f"node {shown} can only evict pods with spec.nodeName set to itself"
                raise _refused(attributes, text)
        elif attributes.operation == CREATE:
            self._new_pod(attributes, node)
        elif attributes.operation == DELETE:
            if not self._runs(node, attributes.namespace, attributes.name):
                text = f"node {shown} can only delete pods with spec.nodeName set to itself"
                raise _refused(attributes, text)
        elif not attributes.subresource:
            raise _refused(attributes, f"node {shown} can only update the status of pods")
        else:
            assert attributes.obj is not None and attributes.old is not None, "an update has both"
            if attributes.old["spec"].get("nodeName") != node:
                text = "can only update pod status for pods with spec.nodeName set to itself"
                raise _refused(attributes, f"node {shown} {text}")
            labels = [each["metadata"].get("labels") or {} for each in (attributes.obj, attributes.old)]
            if labels[0] != labels[1]:
                raise _refused(attributes, f"node {shown} cannot update labels through pod status")

    def _runs(self, node: str, namespace: str, name: str) -> bool:
        entry = self._pods.find(namespace, name)
        # What is not there, the registry says.
        return entry is None or entry.decode()["spec"].get("nodeName") == node

    def _new_pod(self, attributes: Attributes, node: str) -> None:
        """A node tells of what it runs by itself, and of nothing that would let it see more."""
        pod = attributes.obj
        assert pod is not None, "a creation has an object"
        if MIRROR not in (pod["metadata"].get("annotations") or {}):
            text = f"annotation, node {go_quote(node)} can only create mirror pods"
            raise _refused(attributes, f"pod does not have {go_quote(MIRROR)} {text}")
        if pod["spec"].get("nodeName") != node:
            text = f"node {go_quote(node)} can only create pods with spec.nodeName set to itself"
            raise _refused(attributes, text)
        owners = pod["metadata"].get("ownerReferences") or []
        if text := _owner_problem(owners, node):
            raise _refused(attributes, text)
        entry = self._nodes.find("", node)
        if entry is None:
            raise status.not_found(resources.NODES, node)
        if (uid := entry.decode()["metadata"]["uid"]) != owners[0].get("uid"):
            text = f"node {node} UID mismatch: expected {owners[0].get('uid', '')} got {uid}"
            raise _refused(attributes, text)
        if what := _named(pod):
            raise _refused(attributes, f"node {go_quote(node)} can not create pods that reference {what}")

    def _token(self, attributes: Attributes, node: str) -> None:
        assert attributes.obj is not None, "a request has a body"
        spec = attributes.obj["spec"]
        bound = spec.get("boundObjectRef") or {}
        if bound.get("kind") != "Pod" or bound.get("apiVersion") != "v1":
            raise _refused(attributes, "node requested token not bound to a pod")
        if not bound.get("uid"):
            raise _refused(attributes, "node requested token with a pod binding without a uid")
        entry = self._pods.find(attributes.namespace, bound.get("name") or "")
        if entry is None:
            raise status.not_found(resources.PODS, bound.get("name") or "")
        pod = entry.decode()
        if pod["metadata"]["uid"] != bound["uid"]:
            text = (
                f"the UID in the bound object reference ({bound['uid']}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
            raise status.conflict(resources.PODS, bound["name"], text)
        if pod["spec"].get("nodeName") != node:
            raise _refused(attributes, "node requested token bound to a pod scheduled on a different node")
        self._audience(attributes, pod, spec.get("audiences") or [])

    def _audience(self, attributes: Attributes, pod: Object, asked: Sequence[str]) -> None:
        if len(asked) > 1 and not set(asked) <= self._audiences:
            raise _refused(attributes, "node may only request 0 or 1 audiences")
        for audience in asked:
            # A source without an audience means this API.
            wanted = {"", audience} if audience in self._audiences else {audience}
            if wanted & set(_projected(pod)):
                continue
            info = RequestInfo(
                True, AUDIENCE_VERB, "", "", "", attributes.namespace, audience, "", attributes.name
            )
            if self._authorizer.authorize(attributes.user, info).decision is not Decision.ALLOW:
                raise _refused(
                    attributes,
                    f"audience {go_quote(audience)} not found in pod spec volume, {attributes.user.name} is "
                    "not authorized to request tokens for this audience",
                )


def _projected(pod: Object) -> Iterator[str]:
    """The audiences of the tokens that the Pod's volumes ask for."""
    for volume in pod["spec"].get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            if (token := source.get("serviceAccountToken")) is not None:
                yield token.get("audience") or ""


def _owner_problem(owners: Sequence[Object], node: str) -> str:
    """Why the owners of a Pod that a node makes are not that node alone; "" when they are."""
    shown = f"node {go_quote(node)}"
    if len(owners) > 1:
        return f"{shown} can only create pods with a single owner reference set to itself"
    owner = owners[0] if owners else {}
    if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node):
        return f"{shown} can only create pods with an owner reference set to itself"
    if not owner.get("controller"):
        return f"{shown} can only create pods with a controller owner reference set to itself"
    if owner.get("blockOwnerDeletion"):
        return f"{shown} must not set blockOwnerDeletion on an owner reference"
    return ""


def _named(pod: Object) -> str:
    """The first kind of object of the API that a Pod names, in the words of refusals; "": none."""
    spec = pod["spec"]
    volumes = spec.get("volumes") or ()
    sources = [each for volume in volumes for each in (volume.get("projected") or {}).get("sources") or ()]
    if spec.get("serviceAccountName"):
        return "a service account"
    if references.secret_names(pod):
        return "secrets"
    if references.config_map_names(pod):
        return "configmaps"
    if any(each.get("clusterTrustBundle") is not None for each in sources):
        return "clustertrustbundles"
    if any(volume.get("persistentVolumeClaim") is not None for volume in volumes):
        return "persistentvolumeclaims"
    return ""


def _node(attributes: Attributes, node: str) -> None:
    shown = go_quote(node)
    if attributes.name != node:
        raise _refused(attributes, f"node {shown} is not allowed to modify node {go_quote(attributes.name)}")
    new, old = attributes.obj, attributes.old
    if new is None:
        return
    before: Mapping[str, str] = ((old or {}).get("metadata") or {}).get("labels") or {}
    after: Mapping[str, str] = new["metadata"].get("labels") or {}
    changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    if barred := [key for key in changed if not _may_label(key)]:
        raise _refused(attributes, f"is not allowed to modify labels: {', '.join(barred)}")
    # Who has a node's token for a day could else have the next ones with a key of theirs, for ever.
    if _key(new) != _key(old):
        raise _refused(attributes, f"node {shown} is not allowed to modify its key")
    if _annotation(new, node_joining.TOKEN_ANNOTATION) != _annotation(old, node_joining.TOKEN_ANNOTATION):
        raise _refused(attributes, f"node {shown} is not allowed to modify the token that it joined with")
    specs: list[dict[str, Any]] = [each.get("spec") or {} for each in (new, old or {})]
    # Not so upstream: here other nodes send to a node what is for its subnet.
    if any(
        (specs[0].get(field) or None) != (specs[1].get(field) or None) for field in ("podCIDR", "podCIDRs")
    ):
        raise _refused(attributes, f"node {shown} is not allowed to modify its podCIDR")
    if old is None:
        return
    if (specs[0].get("taints") or []) != (specs[1].get("taints") or []):
        raise _refused(attributes, f"node {shown} is not allowed to modify taints")
    # Else it has itself deleted, and comes again with other labels and taints (CVE-2025-5187).
    owners = [each["metadata"].get("ownerReferences") or [] for each in (new, old)]
    if owners[0] != owners[1]:
        raise _refused(attributes, f"node {shown} is not allowed to modify ownerReferences")
    if specs[0].get("configSource") != specs[1].get("configSource"):
        raise _refused(attributes, f"node {shown} is not allowed to update configSource")


def _key(node: Object | None) -> str | None:
    """The digest of the key that the machine joined with; None: it did not."""
    return _annotation(node, node_joining.KEY_ANNOTATION)


def _annotation(node: Object | None, key: str) -> str | None:
    annotations = ((node or {}).get("metadata") or {}).get("annotations") or {}
    value: str | None = annotations.get(key)
    return value


def _may_label(key: str) -> bool:
    prefix = key.rpartition("/")[0]
    if prefix == _RESERVED or prefix.endswith(f".{_RESERVED}"):
        return False
    if not any(prefix == domain or prefix.endswith(f".{domain}") for domain in _KUBERNETES):
        return True
    own = any(prefix == domain or prefix.endswith(f".{domain}") for domain in _OWN_PREFIXES)
    return own or key in _OWN_LABELS


def _refused(attributes: Attributes, text: str) -> status.StatusError:
    return status.forbidden(attributes.resource, attributes.shown_name, text)
