"""Pod Security by labels, as Kubernetes' guides use it with kubectl."""

import json

from strongroom.testing.kubectl import Kubectl

LEVEL = "pod-security.kubernetes.io/enforce"


def test_a_level_is_tried_out_then_enforced(kubectl: Kubectl) -> None:
    container = {"name": "c", "image": "nowhere.example/none"}
    spec = {"containers": [container], "hostNetwork": True, "nodeSelector": {"no": "where"}}
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "spec": spec}
    kubectl.ok("create", "-f", "-", stdin=json.dumps(pod))
    namespace = ("namespace", kubectl.namespace)
    warning = (
        f'Warning: existing pods in namespace "{kubectl.namespace}" violate the new PodSecurity enforce '
        'level "baseline:latest"\nWarning: p: host namespaces\n'
    )
    tried = kubectl("label", "--dry-run=server", "--overwrite", *namespace, f"{LEVEL}=baseline")
    assert (tried.code, tried.stderr) == (0, warning)
    labelled = kubectl("label", *namespace, f"{LEVEL}=baseline")
    assert (labelled.code, labelled.stderr) == (0, warning)
    pod["metadata"] = {"name": "q"}
    assert kubectl.fails("create", "-f", "-", stdin=json.dumps(pod)) == (
        'Error from server (Forbidden): error when creating "STDIN": pods "q" is forbidden: violates '
        'PodSecurity "baseline:latest": host namespaces (hostNetwork=true)\n'
    )
    assert "must be one of privileged, baseline, restricted" in kubectl.fails(
        "label", "--overwrite", *namespace, f"{LEVEL}=strict"
    )
