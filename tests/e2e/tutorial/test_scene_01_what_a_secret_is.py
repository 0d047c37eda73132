"""Scene 1: what a Secret is: pairs of key and value, who is handed them, and who can get at them."""

import json

from strongroom.testing import canary, expect, manifests
from strongroom.testing import cluster as clusters
from strongroom.testing.kubectl import Kubectl

NODE = ("--as=system:node:n1", "--as-group=system:nodes")


def test_values_are_base64_in_the_object(kubectl: Kubectl) -> None:
    kubectl.ok("create", "secret", "generic", "db", "--from-literal=user=admin", "--from-literal=empty=")
    shown = json.loads(kubectl.ok("get", "secret", "db", "-ojson"))
    assert shown["data"] == {"user": "YWRtaW4=", "empty": ""}
    assert kubectl.ok("get", "secret", "db", "-ogo-template={{.data.user | base64decode}}") == "admin"


def test_a_secret_is_handed_only_to_a_node_that_runs_a_pod_which_refers_to_it(latest: Kubectl) -> None:
    latest.ok("create", "secret", "generic", "used", "--from-literal=k=v")
    latest.ok("create", "secret", "generic", "other", "--from-literal=k=v")

    def may_read(name: str, *who: str) -> bool:
        return latest("auth", "can-i", "get", f"secret/{name}", *(who or NODE)).stdout == "yes\n"

    assert not may_read("used")
    pod = manifests.pod("p", volumes={"/s": {"secret": {"secretName": "used"}}}, nodeName="n1")
    latest.ok("create", "-f", "-", stdin=manifests.text(pod))
    assert may_read("used")
    assert not may_read("other")
    assert not may_read("used", "--as=system:node:n2", "--as-group=system:nodes")
    latest.ok("delete", "pod", "p", "--now")
    assert not may_read("used")


def test_whoever_may_create_pods_can_read_secrets_through_them(latest: Kubectl) -> None:
    latest.ok("create", "secret", "generic", "db", "--from-literal=password=hunter2")
    latest.ok("create", "serviceaccount", "deployer")
    latest.ok("create", "role", "pods", "--verb=create,get", "--resource=pods,pods/log")
    account = f"system:serviceaccount:{latest.namespace}:deployer"
    latest.ok("create", "rolebinding", "pods", "--role=pods", f"--user={account}")
    asking = f"--as={account}"
    assert 'secrets "db" is forbidden' in latest.fails("get", "secret", "db", asking)
    reference = {"secretKeyRef": {"name": "db", "key": "password"}}
    pod = manifests.pod(
        "p",
        command=["sh", "-c", "echo $PASSWORD"],
        env=[{"name": "PASSWORD", "valueFrom": reference}],
        restartPolicy="Never",
    )
    latest.ok("create", "-f", "-", asking, stdin=manifests.text(pod))
    expect.until(lambda: latest("logs", "p", asking).stdout == "hunter2\n", what="the Secret in the log")


def test_the_store_holds_no_value(latest: Kubectl, cluster: clusters.Cluster) -> None:
    secret, plain = canary.new(), canary.new()
    latest.ok("create", "secret", "generic", "db", f"--from-literal=k={secret}")
    latest.ok("create", "configmap", "open", f"--from-literal=k={plain}")
    store = cluster.data_dir / "store"
    assert canary.in_files(store, [plain]), "what is not encrypted is found"
    assert canary.in_files(store, [secret]) == []
