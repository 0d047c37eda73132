"""`kubectl delete --cascade`: what becomes of the objects that the deleted one owns."""

import json

from strongroom.testing.kubectl import Kubectl


def _owned(kubectl: Kubectl, name: str, owner: str) -> None:
    uid = kubectl.ok("get", "configmap", owner, "-o", "jsonpath={.metadata.uid}")
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": owner,
        "uid": uid,
        "blockOwnerDeletion": True,
    }
    secret = {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": name, "ownerReferences": [reference]},
    }
    kubectl.ok("create", "-f", "-", stdin=json.dumps(secret))


def test_background_takes_the_dependents_along(kubectl: Kubectl) -> None:
    kubectl.ok("create", "configmap", "owner")
    _owned(kubectl, "dependent", "owner")
    assert kubectl.ok("delete", "configmap", "owner") == f'configmap "owner" deleted{_where(kubectl)}\n'
    kubectl.ok("wait", "--for=delete", "secret/dependent", "--timeout=20s")


def test_foreground_waits_for_the_dependents(kubectl: Kubectl) -> None:
    kubectl.ok("create", "configmap", "owner")
    _owned(kubectl, "dependent", "owner")
    kubectl.ok("delete", "configmap", "owner", "--cascade=foreground")
    assert "not found" in kubectl.fails("get", "secret", "dependent")


def test_orphan_leaves_the_dependents(kubectl: Kubectl) -> None:
    kubectl.ok("create", "configmap", "owner")
    _owned(kubectl, "dependent", "owner")
    kubectl.ok("delete", "configmap", "owner", "--cascade=orphan")
    assert kubectl.ok("get", "secret", "dependent", "-o", "jsonpath={.metadata.ownerReferences}") == ""


def _where(kubectl: Kubectl) -> str:
    """Newer versions name the namespace."""
    return "" if "1.32" in str(kubectl.binary) else f" from {kubectl.namespace} namespace"


def test_a_deployment_that_is_deleted_as_an_orphan_maker_leaves_its_pods_running(latest: Kubectl) -> None:
    latest.ok("create", "deployment", "web", "--image=nginx")
    latest.ok("rollout", "status", "deployment/web", "--timeout=60s")
    latest.ok("delete", "deployment", "web", "--cascade=orphan")
    owners = "jsonpath={.items[*].metadata.ownerReferences[*].kind}"
    assert latest.ok("get", "replicaset", "-o", owners) == ""
    assert latest.ok("get", "pod", "-o", owners) == "ReplicaSet"
    latest.ok("delete", "replicaset", "--all", "--cascade=foreground")
    assert latest.ok("get", "pod", "-o", "name") == ""
