"""`kubectl cordon`, `drain` and `uncordon`: Pods are evicted, and no new ones come."""

import json

from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl


def _node(kubectl: Kubectl) -> str:
    return kubectl.ok("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")


def test_drained_node_takes_no_pods_until_uncordoned(kubectl: Kubectl) -> None:
    labels = {"app": "drained"}
    made = manifests.pod("p")
    made["metadata"]["labels"] = labels
    kubectl.ok("create", "-f", "-", stdin=manifests.text(made))
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    node = _node(kubectl)
    refused = kubectl("drain", node, "--pod-selector=app=drained")
    assert refused.code == 1
    assert "cannot delete Pods that declare no controller (use --force to override)" in refused.stderr
    try:
        shown = kubectl.ok("drain", node, "--pod-selector=app=drained", "--force", "--timeout=40s")
        assert f"evicting pod {kubectl.namespace}/p" in shown
        assert "pod/p evicted" in shown
        assert f"node/{node} drained" in shown
        assert 'pods "p" not found' in kubectl.fails("get", "pod", "p")
        assert kubectl.ok("get", "node", node, "-o", "jsonpath={.spec.unschedulable}") == "true"
        assert "SchedulingDisabled" in kubectl.ok("get", "node", node)
        kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("late")))
        kubectl.ok("wait", "--for=condition=PodScheduled=false", "pod/late", "--timeout=40s")
        status = json.loads(kubectl.ok("get", "pod", "late", "-o", "json"))["status"]
        (condition,) = [c for c in status["conditions"] if c["type"] == "PodScheduled"]
        assert "node(s) were unschedulable" in condition["message"]
    finally:
        assert kubectl.ok("uncordon", node) == f"node/{node} uncordoned\n"
    kubectl.ok("wait", "--for=condition=Ready", "pod/late", "--timeout=40s")
