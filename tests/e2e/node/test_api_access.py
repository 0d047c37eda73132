"""Programs in Pods find the API and prove who they are, as on any cluster."""

import json
from collections.abc import Callable

import pytest

from strongroom.testing import expect, manifests
from strongroom.testing.api import API
from strongroom.testing.kubectl import Kubectl

Start = Callable[..., None]
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture
def program(latest: Kubectl) -> dict[str, dict[str, object]]:
    """Stock kubectl inside a Pod: a static program, which takes the account mounted there by itself."""
    return {"/usr/bin/kubectl": {"hostPath": {"path": str(latest.binary.resolve()), "type": "File"}}}


def test_kubectl_in_a_pod_reads_what_its_account_may(
    latest: Kubectl, start: Start, program: dict[str, dict[str, object]]
) -> None:
    latest.ok("create", "serviceaccount", "reader")
    latest.ok("create", "role", "reader", "--verb=get", "--resource=secrets", "--resource-name=mine")
    latest.ok(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={latest.namespace}:reader"
    )
    for name in ("mine", "other"):
        latest.ok("create", "secret", "generic", name, f"--from-literal=password={name}-v4lue")
    start("p", volumes=program, serviceAccountName="reader")
    inside = ("exec", "p", "--", "kubectl")
    whoami = latest.ok(*inside, "auth", "whoami", "-ojsonpath={.status.userInfo.username}")
    assert whoami == f"system:serviceaccount:{latest.namespace}:reader"
    read = latest.ok(*inside, "get", "secret", "mine", "-ojsonpath={.data.password}")
    assert read == "bWluZS12NGx1ZQ=="
    refused = latest(*inside, "get", "secret", "other")
    assert refused.code == 1
    assert f'User "{whoami}" cannot get resource "secrets"' in refused.stderr
    assert f'in the namespace "{latest.namespace}"' in refused.stderr


def test_what_is_mounted(latest: Kubectl, start: Start) -> None:
    start("p")
    assert latest.ok("exec", "p", "--", "ls", MOUNT).split() == ["ca.crt", "namespace", "token"]
    assert latest.ok("exec", "p", "--", "cat", f"{MOUNT}/namespace") == latest.namespace
    assert latest.ok("exec", "p", "--", "cat", f"{MOUNT}/ca.crt").startswith("-----BEGIN CERTIFICATE-----")
    kinds = latest.ok("exec", "p", "--", "sh", "-c", f"stat -f -c %T {MOUNT}; cat {MOUNT}/token | wc -c")
    kind, size = kinds.split()
    assert kind == "tmpfs"
    assert int(size) > 300
    assert latest("exec", "p", "--", "touch", f"{MOUNT}/x").code != 0
    latest.ok("patch", "serviceaccount", "default", "-p", '{"automountServiceAccountToken": false}')
    start("shut")
    assert latest("exec", "shut", "--", "ls", MOUNT).code != 0


def test_a_token_for_another_audience_is_for_the_containers_user_alone(
    latest: Kubectl, start: Start, api: API
) -> None:
    source = {"projected": {"sources": [{"serviceAccountToken": {"path": "vault", "audience": "vault"}}]}}
    start("p", command=["sleep", "600"], volumes={"/tokens": source}, securityContext={"runAsUser": 1000})
    assert latest.ok("exec", "p", "--", "stat", "-L", "-c", "%u %a", "/tokens/vault") == "1000 600\n"
    token = latest.ok("exec", "p", "--", "cat", "/tokens/vault")
    reviews = "/apis/authentication.k8s.io/v1/tokenreviews"
    for audiences, good in (["vault"], True), ([], False):
        answer = api.ok("POST", reviews, {"spec": {"token": token, "audiences": audiences}})
        assert bool(answer["status"].get("authenticated")) is good


def test_a_pod_of_a_missing_account_is_refused(latest: Kubectl) -> None:
    pod = manifests.text(manifests.pod("p", serviceAccountName="nobody"))
    said = latest.fails("create", "-f", "-", stdin=pod)
    assert 'serviceaccount "nobody" not found' in said


def test_variables_of_services(latest: Kubectl, start: Start) -> None:
    latest.ok("create", "service", "clusterip", "my-db", "--tcp=5432:5432")
    address = latest.ok("get", "service", "my-db", "-ojsonpath={.spec.clusterIP}")
    start("p", env=[{"name": "URL", "value": "postgres://$(MY_DB_SERVICE_HOST)/"}])
    found = dict(line.partition("=")[::2] for line in latest.ok("exec", "p", "--", "env").splitlines())
    assert found["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
    assert found["KUBERNETES_SERVICE_PORT_HTTPS"] == "443"
    assert found["MY_DB_SERVICE_HOST"] == address
    assert found["MY_DB_PORT_5432_TCP"] == f"tcp://{address}:5432"
    assert found["URL"] == f"postgres://{address}/"
    start("q", enableServiceLinks=False)
    assert "MY_DB" not in latest.ok("exec", "q", "--", "env")


def test_cluster_ip_leads_to_a_ready_pod(latest: Kubectl, start: Start) -> None:
    start("web")
    start("client")
    latest.ok("create", "service", "clusterip", "web", "--tcp=8080:80")
    service = latest.ok("get", "service", "web", "-ojsonpath={.spec.clusterIP}")
    get = ("exec", "client", "--", "wget", "-qO-", f"http://{service}:8080/")
    pods = [latest.ok("get", "pod", pod, "-ojsonpath={.status.podIP}") for pod in ("web", "client")]
    slices = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web-by-hand", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [pods[0]]}],
        "ports": [{"name": "8080-80", "port": 80}],
    }
    latest.ok("create", "-f", "-", stdin=json.dumps(slices))
    expect.until(lambda: "Welcome to nginx" in latest(*get).stdout, what="an answer of the cluster IP")
    # To itself, through its own Service: the answer has to come back the way it went.
    slices["endpoints"] = [{"addresses": [pods[1]]}]
    latest.ok("replace", "-f", "-", stdin=json.dumps(slices))
    expect.until(lambda: "Welcome to nginx" in latest(*get).stdout, what="an answer of itself")
    latest.ok("delete", "endpointslice", "web-by-hand")
    expect.until(lambda: "refused" in latest(*get).stderr, what="a refusal")
